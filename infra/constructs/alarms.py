"""The operator's alarms: each says that a customer waits, or that a person was not told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra import names
from infra.constructs.api import WEBHOOK_PATH
from infra.constructs.counters import COUNTERS

if TYPE_CHECKING:
    from infra.constructs.api import Api
    from infra.constructs.functions import Functions
    from infra.constructs.queues import Queues
    from infra.stages import Settings

_MINUTE = Duration.minutes(1)
_FIVE_MINUTES = Duration.minutes(5)
# A turn gives up after five minutes by default and is taken up again within 45 s: ten minutes mean trouble.
INCOMING_AGE_SECONDS = 600
# dead_letters writes its record at once and waits at most 15 minutes between two tries of telling a person.
DEAD_LETTER_AGE_SECONDS = 1800
# Three tries of a provider take two minutes, an answer that was lost is waited for ten.
EMAIL_AGE_SECONDS = 3600


class Alarms(Construct):
    """Alarms, and the topic they go to."""

    def __init__(self, scope: Construct, construct_id: str, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._stage = settings.stage
        self.topic = self._topic()
        if settings.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
        self._action = actions.SnsAction(self.topic)

    def watch_queues(self, queues: Queues) -> None:
        """Messages that wait too long, and any that were parked."""
        self._alarm(
            "incoming-age",
            queues.incoming.metric_approximate_age_of_oldest_message(period=_MINUTE, statistic="Maximum"),
            INCOMING_AGE_SECONDS,
            "A customer's message has waited ten minutes for its turn.",
            periods=3,
        )
        self._alarm(
            "dead-letter-age",
            queues.dead_letters.metric_approximate_age_of_oldest_message(period=_MINUTE, statistic="Maximum"),
            DEAD_LETTER_AGE_SECONDS,
            "A conversation was given up half an hour ago and no person could be told in Chatwoot.",
            periods=3,
        )
        self._alarm(
            "parked",
            queues.parked.metric_approximate_number_of_messages_visible(
                period=_FIVE_MINUTES, statistic="Maximum"
            ),
            1,
            "A given-up conversation could not be handed to a person in ten days; it is parked.",
        )
        self._alarm(
            "missed-messages-dead",
            queues.missed_dead.metric_approximate_number_of_messages_visible(
                period=_FIVE_MINUTES, statistic="Maximum"
            ),
            1,
            "The search for missed messages could not even begin for a company.",
        )
        self._alarm(
            "appointment-reminders-dead",
            queues.reminders_dead.metric_approximate_number_of_messages_visible(
                period=_FIVE_MINUTES, statistic="Maximum"
            ),
            1,
            "The handing on of due reminders could not even begin.",
        )
        self._alarm(
            "token-refresh-dead",
            queues.refresh_dead.metric_approximate_number_of_messages_visible(
                period=_FIVE_MINUTES, statistic="Maximum"
            ),
            1,
            "The renewal of a company's token could not even begin.",
        )
        self._alarm(
            "calendar-sync-dead",
            queues.sync_dead.metric_approximate_number_of_messages_visible(
                period=_FIVE_MINUTES, statistic="Maximum"
            ),
            1,
            "The look at a company's calendars could not even begin.",
        )
        self._alarm(
            "emails-age",
            queues.emails.metric_approximate_age_of_oldest_message(period=_MINUTE, statistic="Maximum"),
            EMAIL_AGE_SECONDS,
            "E-mails have waited in the queue for an hour: providers fail, or there are too many.",
            periods=3,
        )
        self._alarm(
            "emails-dead",
            queues.emails_dead.metric_approximate_number_of_messages_visible(
                period=_FIVE_MINUTES, statistic="Maximum"
            ),
            1,
            "An e-mail broke its delivery a thousand times; its message was put aside.",
        )

    def watch_functions(self, functions: Functions) -> None:
        """Unhandled errors and throttling."""
        for name, function in functions.all.items():
            label = name.replace("_", "-")
            self._alarm(
                f"{label}-errors",
                function.function.metric_errors(period=_FIVE_MINUTES),
                1,
                f"{name} ended with an error, ran out of time or could not start.",
            )
            self._alarm(
                f"{label}-throttles",
                function.function.metric_throttles(period=_FIVE_MINUTES),
                1,
                f"{name} was not started because concurrency was used up.",
            )

    def watch_counters(self, functions: Functions) -> None:
        """What the functions count when they could do nothing better (`Counter`)."""
        for counter in COUNTERS:
            log_group = functions.all[counter.function].logs
            self._counted(counter.alarm, log_group, counter.pattern, counter.says, counter.threshold)

    def watch_door(self, api: Api) -> None:
        """Deliveries of Chatwoot answered with 5xx: it never resends those of account webhooks.

        Counted in the access log, because API Gateway's own metric mixes all routes, and the health route
        answers 503 on purpose.
        """
        self._counted(
            "door-5xx",
            api.logs,
            f'{{ $.route = "POST {WEBHOOK_PATH}*" && $.status = "5*" }}',
            "The door answered Chatwoot with 5xx, and Chatwoot sends most deliveries only once.",
        )

    def _counted(
        self, name: str, log_group: logs.LogGroup, pattern: str, says: str, threshold: int = 1
    ) -> None:
        """An alarm on lines of a log.

        A metric filter counts across dimensions (each reason, each verdict), which an alarm on the metric
        itself cannot do.
        """
        lines = logs.MetricFilter(
            self,
            f"{_construct_id(name)}Lines",
            log_group=log_group,
            metric_namespace=names.COUNTED,
            metric_name=names.counted(self._stage.name, name),
            metric_value="1",
            default_value=0,
            filter_pattern=logs.FilterPattern.literal(pattern),
        )
        self._alarm(name, lines.metric(period=_FIVE_MINUTES, statistic="Sum"), threshold, says)

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, threshold: float, says: str, periods: int = 1
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            _construct_id(name),
            alarm_name=names.alarm(self._stage.name, name),
            alarm_description=says,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=names.alarm_topic(self._stage.name),
            display_name=f"Frontdesk alarms ({self._stage.name})",
            master_key=self._topic_key(),
            enforce_ssl=self._stage.on_aws,
        )
        # A topic policy replaces the default one, which is what let CloudWatch publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        return topic

    def _topic_key(self) -> kms.Key:
        """A key of its own: CloudWatch must use it, and must have nothing to do with the vault's."""
        key = kms.Key(
            self,
            "TopicKey",
            description=f"Encrypts Frontdesk's alarms, stage {self._stage.name}",
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
            )
        )
        return key


def _construct_id(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
