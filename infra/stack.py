"""The one stack of a stage: composes the constructs and says what they are called outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.alarms import Alarms
from infra.constructs.api import Api
from infra.constructs.files import Files
from infra.constructs.functions import Functions
from infra.constructs.grants import Resources
from infra.constructs.keys import Keys
from infra.constructs.queues import Queues
from infra.constructs.schedules import Schedules
from infra.constructs.tables import Tables

from aws_cdk import CfnOutput, CliCredentialsStackSynthesizer, Stack, Tags  # isort: skip - after infra.constructs

from infra import names
from infra.names import Outputs

if TYPE_CHECKING:
    from constructs import Construct

    from infra.bundling import Bundler
    from infra.stages import Settings, Stage


class FrontdeskStack(Stack):
    """Everything of a stage. One stack, because it is deployed, rolled back and deleted as one."""

    def __init__(self, scope: Construct, settings: Settings, bundler: Bundler) -> None:
        stage = settings.stage
        super().__init__(
            scope,
            names.stack(stage.name),
            description=f"Frontdesk, stage {stage.name}",
            synthesizer=_synthesizer(stage),
            termination_protection=stage.keeps_data,
        )
        # The CDK makes functions wait for a role that they refer to anyway, which cfn-lint minds.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
        Tags.of(self).add("product", names.PRODUCT)
        Tags.of(self).add("stage", stage.name)
        resources = Resources(
            settings=settings,
            tables=Tables(self, "Tables", settings),
            queues=Queues(self, "Queues", settings),
            keys=Keys(self, "Keys", settings),
            files=Files(self, "Files", settings),
        )
        functions = Functions(self, "Functions", resources, bundler)
        Schedules(self, "Schedules", settings, functions)
        api = Api(self, "Api", settings, functions)
        alarms = Alarms(self, "Alarms", settings)
        alarms.watch_queues(resources.queues)
        alarms.watch_functions(functions)
        alarms.watch_counters(functions)
        alarms.watch_door(api)
        self._name_outputs(resources, api, alarms)

    def _name_outputs(self, resources: Resources, api: Api, alarms: Alarms) -> None:
        tables, queues = resources.tables, resources.queues
        outputs = {
            Outputs.API_URL: api.url,
            Outputs.API_ID: api.http_api.api_id,
            Outputs.COMPANIES_TABLE: tables.companies.table_name,
            Outputs.CREDENTIALS_TABLE: tables.credentials.table_name,
            Outputs.CONVERSATIONS_TABLE: tables.conversations.table_name,
            Outputs.CALENDARS_TABLE: tables.calendars.table_name,
            Outputs.EMAILS_TABLE: tables.emails.table_name,
            Outputs.INCOMING_QUEUE_URL: queues.incoming.queue_url,
            Outputs.DEAD_LETTER_QUEUE_URL: queues.dead_letters.queue_url,
            Outputs.PARKED_QUEUE_URL: queues.parked.queue_url,
            Outputs.MISSED_QUEUE_URL: queues.missed.queue_url,
            Outputs.REFRESH_QUEUE_URL: queues.refresh.queue_url,
            Outputs.REMINDER_QUEUE_URL: queues.reminders.queue_url,
            Outputs.EMAIL_QUEUE_URL: queues.emails.queue_url,
            Outputs.SYNC_QUEUE_URL: queues.sync.queue_url,
            Outputs.FILES_BUCKET: resources.files.bucket.bucket_name,
            Outputs.KEY_ARN: resources.keys.used_arn,
            Outputs.ALARM_TOPIC_ARN: alarms.topic.topic_arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


def _synthesizer(stage: Stage) -> CliCredentialsStackSynthesizer | None:
    """On AWS the bootstrapped default; the local AWS has no bootstrap roles, only a bucket."""
    if stage.on_aws:
        return None
    return CliCredentialsStackSynthesizer(
        file_assets_bucket_name=names.assets_bucket(stage.name), bucket_prefix=""
    )
