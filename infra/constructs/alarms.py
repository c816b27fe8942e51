"""The operator's alarms: each says that a customer waits, or that a person was not told."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Counter:
    """A metric that a function counts, any occurrence of which the operator wants to know.

    Args:
        alarm: name of the alarm.
        function: who counts.
        metric: as it is named in `shared.platform.observability.count`.
        says: what it means.
        reason: count only those with this value of the dimension ``reason``; empty: all.
        threshold: how many of them within five minutes.
    """

    alarm: str
    function: str
    metric: str
    says: str
    reason: str = ""
    threshold: int = 1

    @property
    def pattern(self) -> str:
        """CloudWatch's filter pattern: an embedded metric is a line of the log, its value a list."""
        only = f' && $.reason = "{self.reason}"' if self.reason else ""
        return f"{{ $.{self.metric}[0] >= 1{only} }}"


COUNTERS = (
    Counter(
        "consents-refused",
        names.INTEGRATIONS_API,
        "OAuthClientRefused",
        "A provider refuses this deployment's OAuth client: no company can connect its account there.",
    ),
    Counter(
        "dead-letters",
        names.DEAD_LETTERS,
        "DeadLetters",
        "Frontdesk gave a conversation up; its record says why.",
    ),
    Counter(
        "dead-letters-untold",
        names.DEAD_LETTERS,
        "DeadLettersUntold",
        "Frontdesk gave a conversation up and can tell nobody through Chatwoot: look at its record.",
    ),
    Counter(
        "hand-over-storm",
        names.DEAD_LETTERS,
        "HandOverStorm",
        "More than twenty conversations were given up for one cause within five minutes: look at the cause.",
    ),
    Counter(
        "companies-without-secret",
        names.CHATWOOT_WEBHOOK,
        "CompaniesWithoutSecret",
        "Deliveries of a company are refused because no webhook secret is configured for it.",
    ),
    Counter(
        "turns-broken",
        names.CONVERSATION_TURNS,
        "AttemptsFailed",
        "A turn met an error that nobody foresaw; its log line says where.",
        reason="broken",
    ),
    Counter(
        "inboxes-failing",
        names.CONVERSATION_TURNS,
        "InboxesFailing",
        "More than one in twenty messages of an inbox failed at its channel; the log line says which inbox.",
    ),
    Counter(
        "duplicate-parts",
        names.CHATWOOT_WEBHOOK,
        "DuplicateParts",
        "A customer read a part of a reply twice; the log line says in which conversation.",
    ),
    Counter(
        "records-unreadable",
        names.DEAD_LETTERS,
        "UnreadableRecords",
        "A record of the queues that nobody can read was put aside: perhaps a customer waits for its answer.",
    ),
    Counter(
        "transcriptions-refused",
        names.CONVERSATION_TURNS,
        "TranscriptionsRefused",
        "Voice messages are not understood: the key, the quota or the model's name is wrong.",
    ),
    Counter(
        "keys-refused",
        names.CONVERSATION_TURNS,
        "KeyServiceFailures",
        "KMS opens no data keys: work ends when what is in memory is five minutes old.",
    ),
    Counter(
        "keys-refused-at-door",
        names.CHATWOOT_WEBHOOK,
        "KeyServiceFailures",
        "KMS opens no data keys at the door: deliveries cannot be verified.",
    ),
    Counter(
        "visits-broken",
        names.CONVERSATION_TURNS,
        "VisitsBroken",
        "A conversation could not even be begun, for an error that nobody foresaw.",
    ),
    Counter(
        "messages-lost",
        names.CONVERSATION_TURNS,
        "MessagesLost",
        "Webhooks do not reach us: customers' messages were found only by the search for missed ones.",
        threshold=5,
    ),
    Counter(
        "missed-messages-broken",
        names.MISSED_MESSAGES,
        "MissedRunsBroken",
        "The search for missed messages met an error that nobody foresaw.",
    ),
    Counter(
        "oauth-client-refused",
        names.TOKEN_REFRESH,
        "OAuthClientRefused",
        "A provider refuses this deployment's OAuth client: no company's token can be renewed there.",
    ),
    Counter(
        "tokens-ended",
        names.TOKEN_REFRESH,
        "TokensEnded",
        "A company's token has ended and cannot be renewed: its calendar is out of reach.",
    ),
    Counter(
        "reminders-failed",
        names.CONVERSATION_TURNS,
        "RemindersFailed",
        "Reminders of appointments could not be said in their conversations; by reason.",
        threshold=5,
    ),
    Counter(
        "reminders-broken",
        names.APPOINTMENT_REMINDERS,
        "RemindersBroken",
        "A reminder met an error that nobody foresaw before it was handed on.",
    ),
    Counter(
        "token-refreshes-failing",
        names.TOKEN_REFRESH,
        "TokenRefreshesFailed",
        "Many tokens could not be renewed within five minutes: a provider does not answer.",
        threshold=20,
    ),
    Counter(
        "token-refreshes-broken",
        names.TOKEN_REFRESH,
        "TokenRefreshesBroken",
        "The renewal of a token met an error that nobody foresaw.",
    ),
    Counter(
        "calendar-syncs-broken",
        names.CALENDAR_SYNC,
        "CalendarSyncsBroken",
        "The look at a company's calendars met an error that nobody foresaw.",
    ),
    Counter(
        "calendar-syncs-failing",
        names.CALENDAR_SYNC,
        "CalendarSyncsFailed",
        "Many calendars could not be read within five minutes: a vendor does not answer.",
        threshold=20,
    ),
    Counter(
        "calendars-old",
        names.CALENDAR_SYNC,
        "CalendarsOld",
        "A calendar was not read for an hour; each question for free times asks its vendor.",
    ),
    Counter(
        "email-fallbacks",
        names.EMAIL_DELIVERY,
        "EmailFallbacks",
        "E-mails go out, but not through the company's first provider: it does not take them.",
    ),
    Counter(
        "email-providers-failing",
        names.EMAIL_DELIVERY,
        "EmailBreakersOpened",
        "A company's e-mail provider fails again and again, or refuses the account, and is left alone.",
    ),
    Counter(
        "emails-unknown",
        names.EMAIL_DELIVERY,
        "EmailsUnknown",
        "Several e-mails went to a provider whose answer was lost: nobody knows yet whether they arrive.",
        threshold=5,
    ),
    Counter(
        "emails-rejected",
        names.EMAIL_DELIVERY,
        "EmailsRejected",
        "Several e-mails were not sent, and will not be, within five minutes.",
        threshold=5,
    ),
    Counter(
        "email-deliveries-broken",
        names.EMAIL_DELIVERY,
        "EmailDeliveriesBroken",
        "The delivery of an e-mail met an error that nobody foresaw; it is tried again.",
    ),
    Counter(
        "emails-lost",
        names.EMAIL_DELIVERY,
        "EmailsSwept",
        "E-mails waited although nobody would have taken them up; the sweep queued them again.",
        threshold=5,
    ),
)


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
            "An e-mail broke its delivery three hundred times; its message was put aside.",
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
