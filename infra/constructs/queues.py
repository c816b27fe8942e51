"""The queues between the door, the turns and what is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import names

if TYPE_CHECKING:
    from infra.stages import Settings

# SQS with Lambda, "Configuring a queue": at least six times the function's timeout of 120 s.
VISIBILITY_SECONDS = 720
ERRAND_VISIBILITY_SECONDS = 360  # the same rule for missed_messages, which may run for 60 s
# An errand that is four minutes old is of no use any more: the next run has begun.
ERRAND_RETENTION_MINUTES = 30
# Errands fail only where the function cannot start or cannot read them.
ERRAND_RECEIVES = 3
# email_delivery may run for 120 s. Waiting is receiving: a week behind a breaker of a quarter of an hour is
# 676 receives. SQS's maximum; what is received more often broke the worker again and again.
EMAIL_RECEIVES = 1000
EMAIL_RETENTION_DAYS = 8  # a company's rule may let an e-mail wait for seven
# Attempts of a turn are counted in the ledger; this catches only what dies before it can count.
TURN_RECEIVES = 20
# dead_letters waits for Chatwoot up to 15 minutes at a time: 1,000 receives (SQS's maximum) end after ten
# days, before the queue's retention of fourteen would delete the case unseen.
DEAD_LETTER_RECEIVES = 1000


class Queues(Construct):
    """``incoming`` → ``dead-letters`` → ``parked``, all FIFO, one message group per conversation.

    ``dead-letters`` is worked on by a function, so it can fail as well: what it could not hand to a person in
    ten days is parked for the operator, whom an alarm tells.

    ``missed-messages`` → ``missed-messages-dead`` are standard queues: one errand per company and run, in no
    order, fair between companies because each errand names its company as message group. ``token-refresh`` →
    ``token-refresh-dead`` are the same for connections whose tokens are due, ``calendar-sync`` →
    ``calendar-sync-dead`` for companies whose calendars are looked at, ``appointment-reminders`` →
    ``appointment-reminders-dead`` for reminders. ``emails`` → ``emails-dead`` are
    standard and fair as well; an e-mail that waits is received again and again until it has ended.
    """

    def __init__(self, scope: Construct, construct_id: str, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.parked = self._queue("parked", retention_days=14)
        self.dead_letters = self._queue(
            "dead-letters", retention_days=14, goes_to=self.parked, receives=DEAD_LETTER_RECEIVES
        )
        self.incoming = self._queue(
            "incoming", retention_days=4, goes_to=self.dead_letters, receives=TURN_RECEIVES
        )
        self.missed_dead = self._standard("missed-messages-dead", retention=Duration.days(14))
        self.missed = self._standard(
            "missed-messages",
            retention=Duration.minutes(ERRAND_RETENTION_MINUTES),
            goes_to=sqs.DeadLetterQueue(queue=self.missed_dead, max_receive_count=ERRAND_RECEIVES),
        )
        self.reminders_dead = self._standard("appointment-reminders-dead", retention=Duration.days(14))
        self.reminders = self._standard(
            "appointment-reminders",
            retention=Duration.minutes(ERRAND_RETENTION_MINUTES),
            goes_to=sqs.DeadLetterQueue(queue=self.reminders_dead, max_receive_count=ERRAND_RECEIVES),
        )
        self.refresh_dead = self._standard("token-refresh-dead", retention=Duration.days(14))
        self.refresh = self._standard(
            "token-refresh",
            retention=Duration.minutes(ERRAND_RETENTION_MINUTES),
            goes_to=sqs.DeadLetterQueue(queue=self.refresh_dead, max_receive_count=ERRAND_RECEIVES),
        )
        self.sync_dead = self._standard("calendar-sync-dead", retention=Duration.days(14))
        self.sync = self._standard(
            "calendar-sync",
            retention=Duration.minutes(ERRAND_RETENTION_MINUTES),
            goes_to=sqs.DeadLetterQueue(queue=self.sync_dead, max_receive_count=ERRAND_RECEIVES),
        )
        self.emails_dead = self._standard("emails-dead", retention=Duration.days(14))
        self.emails = self._standard(
            "emails",
            retention=Duration.days(EMAIL_RETENTION_DAYS),
            goes_to=sqs.DeadLetterQueue(queue=self.emails_dead, max_receive_count=EMAIL_RECEIVES),
            visibility_seconds=VISIBILITY_SECONDS,
        )

    def _standard(
        self,
        name: str,
        *,
        retention: Duration,
        goes_to: sqs.DeadLetterQueue | None = None,
        visibility_seconds: int = ERRAND_VISIBILITY_SECONDS,
    ) -> sqs.Queue:
        stage = self._settings.stage
        return sqs.Queue(
            self,
            "".join(part.capitalize() for part in name.split("-")),
            queue_name=names.standard_queue(stage.name, name),
            visibility_timeout=Duration.seconds(visibility_seconds),
            retention_period=retention,
            dead_letter_queue=goes_to,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=stage.on_aws,
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )

    def _queue(
        self, name: str, *, retention_days: int, goes_to: sqs.Queue | None = None, receives: int = 0
    ) -> sqs.Queue:
        stage = self._settings.stage
        after = sqs.DeadLetterQueue(queue=goes_to, max_receive_count=receives) if goes_to else None
        return sqs.Queue(
            self,
            "".join(part.capitalize() for part in name.split("-")),
            queue_name=names.queue(stage.name, name),
            fifo=True,
            # The sender says what is the same: a body that is sent twice on purpose must arrive twice.
            content_based_deduplication=False,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            visibility_timeout=Duration.seconds(VISIBILITY_SECONDS),
            retention_period=Duration.days(retention_days),
            dead_letter_queue=after,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            # The local AWS speaks plain HTTP, on loopback only.
            enforce_ssl=stage.on_aws,
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )
