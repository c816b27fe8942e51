"""The Lambda functions, each with a role, a log group and a policy of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import AssetHashType, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import names
from infra.bundling import BUNDLE_OF
from infra.constructs.environment import environment
from infra.constructs.grants import grants, purposes
from infra.constructs.nag import acknowledge

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs

    from infra.bundling import Bundler
    from infra.constructs.grants import Resources

SQS_FIFO_BATCH = 10  # the most that a FIFO event source mapping takes
# Twenty seconds for each company at the longest, within the function's sixty.
ERRANDS_BATCH = 5
# Gentle on Chatwoot servers that hold many companies' accounts, and enough for hundreds of companies.
ERRANDS_CONCURRENCY = 5
# Of companies whose calendars are looked at; each has a quota of its own, and all share Google's 10,000 a
# minute.
SYNC_CONCURRENCY = 10
# Five hundred reminders of nine o'clock are fifty errands of a second each.
REMINDERS_CONCURRENCY = 10
# A slow provider may take thirty seconds for each.
EMAILS_BATCH = 3
EMAILS_CONCURRENCY = 20


@dataclass(frozen=True)
class Size:
    """Memory, which also buys CPU (a whole one at 1,769 MB), and the time an invocation may take.

    The reasons stand in docs/reference/infrastructure.md, "Sizes".
    """

    memory_mb: int
    timeout_seconds: int


SIZES = {
    names.CHATWOOT_WEBHOOK: Size(memory_mb=1024, timeout_seconds=10),
    names.CONVERSATION_TURNS: Size(memory_mb=1024, timeout_seconds=120),
    names.DEAD_LETTERS: Size(memory_mb=512, timeout_seconds=120),
    names.MISSED_MESSAGES: Size(memory_mb=512, timeout_seconds=60),
    names.TOKEN_REFRESH: Size(memory_mb=512, timeout_seconds=60),
    names.CALENDAR_SYNC: Size(memory_mb=512, timeout_seconds=60),
    names.APPOINTMENT_REMINDERS: Size(memory_mb=512, timeout_seconds=60),
    names.EMAIL_DELIVERY: Size(memory_mb=1024, timeout_seconds=120),
    names.INTEGRATIONS_API: Size(memory_mb=1024, timeout_seconds=29),
}


class Functions(Construct):
    """All functions of the stack, and the queues that feed them."""

    def __init__(self, scope: Construct, construct_id: str, resources: Resources, bundler: Bundler) -> None:
        super().__init__(scope, construct_id)
        settings = resources.settings
        codes = {name: _code(bundler, name) for name in sorted(set(BUNDLE_OF.values()))}
        self.all = {name: Function(self, name, resources, codes[BUNDLE_OF[name]]) for name in names.FUNCTIONS}
        self.all[names.CONVERSATION_TURNS].consume(
            resources.queues.incoming, max_concurrency=settings.turn_concurrency
        )
        # Cases are few, and Chatwoot may be what is down: two at a time are gentle (and SQS's minimum).
        self.all[names.DEAD_LETTERS].consume(resources.queues.dead_letters, max_concurrency=2)
        self.all[names.MISSED_MESSAGES].consume(
            resources.queues.missed, max_concurrency=ERRANDS_CONCURRENCY, batch_size=ERRANDS_BATCH
        )
        # One errand at a time: each holds ten reminders.
        self.all[names.APPOINTMENT_REMINDERS].consume(
            resources.queues.reminders, max_concurrency=REMINDERS_CONCURRENCY, batch_size=1
        )
        self.all[names.TOKEN_REFRESH].consume(
            resources.queues.refresh, max_concurrency=ERRANDS_CONCURRENCY, batch_size=ERRANDS_BATCH
        )
        # One company at a time: a slow one would keep those of its batch waiting.
        self.all[names.CALENDAR_SYNC].consume(
            resources.queues.sync, max_concurrency=SYNC_CONCURRENCY, batch_size=1
        )
        self.all[names.EMAIL_DELIVERY].consume(
            resources.queues.emails, max_concurrency=EMAILS_CONCURRENCY, batch_size=EMAILS_BATCH
        )


class Function(Construct):
    """One function."""

    def __init__(self, scope: Construct, name: str, resources: Resources, code: lambda_.Code) -> None:
        super().__init__(scope, "".join(part.capitalize() for part in name.split("_")))
        self._name = name
        self._resources = resources
        self.logs = self._log_group()
        self.role = self._role()
        self._policy = self._grant()
        self.function = self._function(code)

    def consume(self, queue: sqs.Queue, *, max_concurrency: int, batch_size: int = SQS_FIFO_BATCH) -> None:
        """Feed the function from a queue."""
        mapping = lambda_.EventSourceMapping(
            self,
            "Source",
            target=self.function,
            event_source_arn=queue.queue_arn,
            batch_size=batch_size,
            report_batch_item_failures=True,
            max_concurrency=max_concurrency,
        )
        mapping.node.add_dependency(self._policy)  # Lambda checks the grant when the mapping is made

    def _log_group(self) -> logs.LogGroup:
        stage = self._resources.settings.stage
        return logs.LogGroup(
            self,
            "Logs",
            log_group_name=names.function_logs(stage.name, self._name),
            retention=RETENTION[stage.log_days],
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )

    def _role(self) -> iam.Role:
        tracing = iam.PolicyStatement(
            actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"]
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {self._name} runs as",
            inline_policies={"tracing": iam.PolicyDocument(statements=[tracing])},
        )
        acknowledge(
            role,
            "AwsSolutions-IAM5[Resource::*]",
            "X-Ray's two write actions take no resource (Service Authorization Reference, AWS X-Ray)",
        )
        return role

    def _grant(self) -> iam.Policy:
        write_logs = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[self.logs.log_group_arn]
        )
        if self._resources.settings.stage.on_aws:
            self._resources.keys.confine(self.role, purposes(self._name))
        policy = iam.Policy(
            self,
            "Grants",
            roles=[self.role],
            statements=[write_logs, *grants(self._name, self._resources)],
        )
        if self._name in {names.EMAIL_DELIVERY, names.INTEGRATIONS_API}:
            self._resources.files.acknowledge_readers(policy)
        return policy

    def _function(self, code: lambda_.Code) -> lambda_.Function:
        settings = self._resources.settings
        reserved = settings.door_reserved_concurrency if self._name == names.CHATWOOT_WEBHOOK else 0
        function = lambda_.Function(
            self,
            "Function",
            function_name=names.function(settings.stage.name, self._name),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=names.handler(self._name),
            code=code,
            memory_size=SIZES[self._name].memory_mb,
            timeout=Duration.seconds(SIZES[self._name].timeout_seconds),
            # Grants are given in one place; CDK is not to add to them by itself.
            role=self.role.without_policy_updates(),
            log_group=self.logs,
            tracing=lambda_.Tracing.ACTIVE,
            environment=environment(self._name, self._resources),
            reserved_concurrent_executions=reserved or None,
        )
        function.node.add_dependency(self._policy)  # no first invocation before its grants
        acknowledge(
            function,
            "AwsSolutions-L1",
            "Python 3.13 is supported until 2029 and is what wheels, tests and bytecode are made for; 3.14 "
            "brings nothing that a function of ours needs",
        )
        return function


RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    14: logs.RetentionDays.TWO_WEEKS,
    90: logs.RetentionDays.THREE_MONTHS,
}


def _code(bundler: Bundler, name: str) -> lambda_.Code:
    bundle = bundler.bundle(name)
    return lambda_.Code.from_asset(
        str(bundle.archive), asset_hash=bundle.digest, asset_hash_type=AssetHashType.CUSTOM
    )
