"""What runs by the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra import names

if TYPE_CHECKING:
    from infra.constructs.functions import Functions
    from infra.stages import Settings

# EventBridge Scheduler's "Adding context attributes": copies of one call carry the same time.
_INPUT = '{"scheduled_at": "<aws.scheduler.scheduled-time>"}'


class Schedules(Construct):
    """EventBridge Scheduler's calls of functions, each with a role that may do nothing else."""

    def __init__(self, scope: Construct, construct_id: str, settings: Settings, functions: Functions) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._functions = functions
        self._every(names.MISSED_MESSAGES, settings.missed_every_minutes)
        # The finest that the scheduler knows: a reminder comes in the minute that the company chose.
        self._every(names.APPOINTMENT_REMINDERS, 1)
        self._every(names.TOKEN_REFRESH, settings.refresh_every_minutes)
        self._every(names.CALENDAR_SYNC, settings.sync_every_minutes)
        self._every(names.EMAIL_DELIVERY, settings.email_sweep_every_minutes)

    def _every(self, name: str, minutes: int) -> None:
        function = self._functions.all[name].function
        camel = "".join(part.capitalize() for part in name.split("_"))
        role = iam.Role(
            self,
            f"{camel}Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
            description=f"Calls {name} by the clock",
            inline_policies={
                "call": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["lambda:InvokeFunction"], resources=[function.function_arn]
                        )
                    ]
                )
            },
        )
        scheduler.CfnSchedule(
            self,
            camel,
            name=names.schedule(self._settings.stage.name, name),
            schedule_expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=role.role_arn,
                input=_INPUT,
                # The next call comes soon; one that is late is of no use.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=60 * minutes, maximum_retry_attempts=2
                ),
            ),
        )
