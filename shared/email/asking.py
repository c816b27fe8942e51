"""One provider is asked to take one e-mail, and what comes of it is written down, whatever it takes.

From the moment an e-mail is ``SENDING`` until its verdict stands in the table nobody else knows whether it
went out. So everything that can fail without a provider happens before, and the verdict is written again
and again while there is time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from shared.email.plan import after_failure
from shared.email.providers.contract import BROKEN, NO_TIME_LEFT, RECIPIENTS, Ambiguous, Rejected
from shared.email.records import Tried
from shared.email.rests import rests_of
from shared.platform.clock import Deadline
from shared.platform.errors import GiveUp, RetryLater
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.companies.email import EmailProvider
    from shared.email.breakers import Breakers
    from shared.email.ledger import EmailLedger
    from shared.email.providers.contract import Accepted, Provider
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered
    from shared.platform.clock import Clock

SEND_SECONDS = 30.0
# How long a provider's report is waited for when nobody knows; reports come within seconds to minutes.
SETTLE = timedelta(minutes=10)
SOON = timedelta(seconds=1)
# How long after the last moment at which somebody may be at it a worker counts as dead.
BUSY_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 5.0


class Opener(Protocol):
    """Opens companies' providers."""

    def provider(self, company_id: str, settings: EmailProvider) -> Provider:
        """A provider, ready to send.

        Raises:
            Rejected, GiveUp: it cannot be opened. RetryLater: not now, for a reason of ours.
        """
        ...


@dataclass(frozen=True)
class Outcome:
    """What is to become of the queue's message.

    Args:
        again_after: take it up again after this time; ``None``: it is done with.
    """

    again_after: timedelta | None = None


DONE = Outcome()


@dataclass(frozen=True)
class Asked:
    """The e-mail with the verdict, and when it is to be taken up again, unless it is ``QUEUED`` for now."""

    record: EmailRecord
    outcome: Outcome = DONE


@dataclass(frozen=True)
class Parcel:
    """An e-mail ready to go.

    Args:
        rendered: for those who are to get it.
        left_out: addresses that are not written to.
    """

    rendered: Rendered
    left_out: tuple[str, ...] = ()


class Asking:
    """Asks providers.

    Args:
        ledger: changes e-mails.
        opener: opens providers.
        breakers: which providers are left alone.
        clock: for times.
    """

    def __init__(self, ledger: EmailLedger, opener: Opener, breakers: Breakers, clock: Clock) -> None:
        self._ledger = ledger
        self._opener = opener
        self._breakers = breakers
        self._clock = clock

    def ask(
        self,
        record: EmailRecord,
        parcel: Parcel,
        settings: EmailProvider,
        deadline: Deadline,
        *,
        once_more: bool = False,
    ) -> Asked:
        """Have a provider take an e-mail, once.

        Args:
            record: as it is: ``QUEUED``, or ``UNKNOWN`` where it is sent once more.
            parcel: what to send.
            settings: whom to ask.
            deadline: by when all of it must be over; at least `SEND_SECONDS` away.
            once_more: nobody knows of an earlier try.

        Raises:
            ConditionFailed: somebody else took it up.
            RetryLater: the provider cannot be opened now, for a reason of ours; nothing was changed.
        """
        try:
            opened = self._opener.provider(record.company_id, settings)
            record = self._ledger.sending(
                record,
                settings.id,
                self._busy_until(),
                left_out=parcel.left_out,
                sent_again=once_more,
                message_id=parcel.rendered.message_id,
            )
        except GiveUp as error:
            return self._refused(record, settings, error, deadline)
        except Exception:
            self._breakers.let_go(record.company_id, settings.id)
            raise
        try:
            accepted = opened.send(parcel.rendered, Deadline(self._clock, deadline.within(SEND_SECONDS)))
        except Ambiguous as error:
            return Asked(self._lost(record, settings, error, deadline), Outcome(SETTLE))
        except RetryLater as error:
            return Asked(self._not_now(record, settings, error, deadline), Outcome(SOON))
        except GiveUp as error:
            return self._refused(record, settings, error, deadline)
        return Asked(self._arrived(record, settings, accepted, deadline))

    # Verdicts: first the e-mail's, because it is the one that cannot be found out again

    def _arrived(
        self, record: EmailRecord, settings: EmailProvider, accepted: Accepted, deadline: Deadline
    ) -> EmailRecord:
        refused = [one.address for one in accepted.refused]
        rests = rests_of(record, settings.id, accepted.refused)
        write = partial(self._ledger.accepted, record, accepted.provider_id, refused, rests=rests)
        record = self._written(write, deadline)
        self._breakers.succeeded(record.company_id, settings.id)
        count("EmailsAccepted", vendor=settings.vendor, kind=record.kind)
        if record.sent_again:
            count("EmailPossibleDuplicates", kind=record.kind)
        log.info("e-mail accepted", email_id=record.email_id, provider=settings.id, attempts=record.attempts)
        waiting = sum(len(rest.addresses) for rest in rests)
        if waiting:
            log.info("recipients wait", email_id=record.email_id, recipients=waiting)
        if lost := len(refused) - waiting:
            count("EmailRecipientsRefused", lost, vendor=settings.vendor)
            log.warning("an e-mail does not reach everybody", email_id=record.email_id, recipients=lost)
        return record

    def _lost(
        self, record: EmailRecord, settings: EmailProvider, error: Ambiguous, deadline: Deadline
    ) -> EmailRecord:
        write = partial(self._ledger.unknown, record, error.reason, str(error), at=self._clock.now())
        record = self._written(write, deadline)
        self._breakers.failed(record.company_id, settings.id, settings.vendor)
        count("EmailsUnknown", reason="answer_lost")
        if record.sent_again:
            count("EmailPossibleDuplicates", kind=record.kind)
        if error.reason == BROKEN:
            count("EmailDeliveriesBroken")
            log.error("asking a provider broke", email_id=record.email_id, error=str(error))
        log.warning("nobody knows yet whether the e-mail went out", email_id=record.email_id)
        return record

    def _not_now(
        self, record: EmailRecord, settings: EmailProvider, error: RetryLater, deadline: Deadline
    ) -> EmailRecord:
        record = self._put_back(record, settings, error, deadline)
        if error.reason == NO_TIME_LEFT:
            self._breakers.let_go(record.company_id, settings.id)
        elif error.reason == RECIPIENTS:
            self._breakers.succeeded(record.company_id, settings.id)  # busy mailboxes, not a busy server
        else:
            self._breakers.failed(record.company_id, settings.id, settings.vendor)
        return record

    def _refused(
        self, record: EmailRecord, settings: EmailProvider, error: GiveUp, deadline: Deadline
    ) -> Asked:
        company_id, about = record.company_id, error.about if isinstance(error, Rejected) else ""
        if about == "recipients":
            # They do not exist elsewhere either.
            write = partial(self._ledger.ended, record, error.reason, str(error), certainly_not_taken=True)
            record = self._written(write, deadline)
        else:
            record = self._put_back(record, settings, error, deadline)
        if about == "account":
            self._breakers.failed(company_id, settings.id, settings.vendor, at_once=True)
        elif about:
            self._breakers.succeeded(company_id, settings.id)  # it judged the message: it works
        else:
            self._breakers.let_go(company_id, settings.id)  # it was not asked
        return Asked(record, DONE if about == "recipients" else Outcome(SOON))

    def _put_back(
        self, record: EmailRecord, settings: EmailProvider, error: RetryLater | GiveUp, deadline: Deadline
    ) -> EmailRecord:
        before = record.tried.get(settings.id, Tried())
        tried = {**record.tried, settings.id: after_failure(before, error, self._clock.now())}
        write = partial(self._ledger.queued, record, tried, error.reason, str(error))
        return self._written(write, deadline)

    def _written(self, write: Callable[[], EmailRecord], deadline: Deadline) -> EmailRecord:
        """Write a verdict down, again and again while there is time."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return write()
            except (ClientError, BotoCoreError, RetryLater) as error:
                if deadline.remaining_seconds() < pause:
                    raise
                log.warning("a verdict cannot be written yet", error=type(error).__name__)
                self._clock.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _busy_until(self) -> datetime:
        return self._clock.now() + timedelta(seconds=SEND_SECONDS + BUSY_SECONDS)
