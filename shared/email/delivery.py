"""One e-mail on its way: ``QUEUED → SENDING → ACCEPTED | REJECTED | UNKNOWN``.

Another provider is asked only when the one before certainly did not accept. What nobody knows (the answer
was lost, or the worker died while it asked) waits for the provider's own report; without one it is sent once
more, by the same provider and under the same Message-ID, where the company's rules want that, never again.
Why it is built so: docs/decisions/0021-email-delivery.md.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from shared.email.asking import (
    BUSY_SECONDS,
    DONE,
    SEND_SECONDS,
    SETTLE,
    SOON,
    Asked,
    Asking,
    Opener,
    Outcome,
    Parcel,
)
from shared.email.plan import Chosen, Wait, choose
from shared.email.providers.contract import CANNOT_CARRY
from shared.email.records import FINAL, State, Tried
from shared.platform.errors import GiveUp, InvalidInput, RetryLater
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.companies.email import EmailProvider
    from shared.companies.model import Company
    from shared.email.breakers import Breakers
    from shared.email.ledger import EmailLedger
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered
    from shared.email.suppression import Suppressions
    from shared.platform.clock import Clock, Deadline

# Why an e-mail is not sent that nothing went wrong with.
OVERTAKEN = "overtaken"
LEFT_ALONE = "every provider that could be asked has failed before and is left alone for now"
DIED = "the worker ended while it asked"
# With less time nobody is asked: a call that our own end cuts short is one of which nobody knows.
LEAST_SECONDS = SEND_SECONDS + 2


class Outside(Opener, Protocol):
    """What a delivery needs of the rest."""

    def company(self, company_id: str) -> Company | None:
        """The company's document; ``None`` where there is none any more."""
        ...

    def rendered(self, record: EmailRecord, content: str, company: Company) -> Rendered:
        """The e-mail, ready to go; the same for every try.

        Args:
            record: as it is.
            content: what is to be sent.
            company: whose.

        Raises:
            InvalidInput, GiveUp: it cannot be put together. RetryLater: not now.
        """
        ...


class Delivery:
    """Delivers e-mails.

    Args:
        ledger: reads and changes e-mails.
        outside: companies, templates, providers.
        breakers: which providers are left alone.
        suppressions: which addresses are not written to.
        clock: for times.
    """

    def __init__(
        self,
        ledger: EmailLedger,
        outside: Outside,
        breakers: Breakers,
        suppressions: Suppressions,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._outside = outside
        self._breakers = breakers
        self._suppressions = suppressions
        self._clock = clock
        self._asking = Asking(ledger, outside, breakers, clock)

    def deliver(self, company_id: str, email_id: str, deadline: Deadline) -> Outcome:
        """Take an e-mail one step further, or as far as it goes.

        Args:
            company_id: whose.
            email_id: which.
            deadline: by when this must be over.
        """
        record = self._ledger.read(company_id, email_id)
        if record is None or record.state in FINAL or record.left:
            return DONE
        try:
            return self._taken_up(record, deadline)
        except ConditionFailed:
            # Another worker is at it; whoever comes next reads what that one wrote.
            return Outcome(timedelta(seconds=BUSY_SECONDS))

    def _taken_up(self, record: EmailRecord, deadline: Deadline) -> Outcome:
        now = self._clock.now()
        if record.state is State.SENDING:
            if record.busy_until and record.busy_until > now:
                return Outcome(record.busy_until - now)
            record = self._ledger.unknown(record, "worker_died", DIED, at=record.busy_until or now)
            count("EmailsUnknown", reason="worker_died")
            if record.sent_again:
                count("EmailPossibleDuplicates", kind=record.kind)
        if record.proven:
            # A report came, or a worker that had lost it to this one says so.
            self._ledger.accepted(record, record.provider_id, record.refused)
            return DONE
        company = self._outside.company(record.company_id)
        if company is None:
            return self._ended(record, "no_company")
        if record.state is State.UNKNOWN:
            return self._nobody_knows(record, company, deadline)
        return self._sent(record, company, deadline)

    # Nobody knows

    def _nobody_knows(self, record: EmailRecord, company: Company, deadline: Deadline) -> Outcome:
        now = self._clock.now()
        settles_at = (record.unknown_since or now) + SETTLE
        if settles_at > now:
            # Also beyond the moment until which it is worth sending: a report still says what became of it.
            self._ledger.waiting(record, settles_at)
            return Outcome(settles_at - now)
        settings = self._asked_once_more(record, company)
        if settings is None:
            self._ledger.left_unknown(record)
            log.warning("nobody knows whether the e-mail went out", email_id=record.email_id)
            return DONE
        return self._sent_once_more(record, settings, company, deadline)

    def _sent_once_more(
        self, record: EmailRecord, settings: EmailProvider, company: Company, deadline: Deadline
    ) -> Outcome:
        parcel = self._parcel(record, company)
        if isinstance(parcel, Outcome):
            return parcel
        if deadline.remaining_seconds() < LEAST_SECONDS:
            return Outcome(SOON)
        wait_until = record.tried.get(settings.id, Tried()).wait_until
        if wait_until is None or wait_until <= self._clock.now():
            wait_until = self._breakers.waits_until(record.company_id, settings.id)
        if wait_until is not None:
            return self._waits(record, wait_until)
        log.warning("e-mail sent once more", email_id=record.email_id, provider=settings.id)
        return self._asked(record, parcel, settings, company, deadline, once_more=True).outcome

    def _asked_once_more(self, record: EmailRecord, company: Company) -> EmailProvider | None:
        """Who is asked again for what nobody knows: whoever was asked before, or nobody."""
        tried = record.tried.get(record.provider, Tried())
        wanted = company.email.when_unknown(record.kind) == "send_again"
        # Where there may be two already, a person decides about a third.
        if not wanted or record.possible_duplicate or tried.ended or self._hindrance(record, company):
            return None
        return next((one for one in company.email.providers if one.id == record.provider), None)

    # Sending

    def _sent(self, record: EmailRecord, company: Company, deadline: Deadline) -> Outcome:
        hindrance = self._hindrance(record, company)
        if hindrance:
            return self._ended(record, hindrance, record.words)
        parcel = self._parcel(record, company)
        if isinstance(parcel, Outcome):
            return parcel
        providers = {one.id: one for one in company.email.providers_for(record.kind)}
        open_until = partial(self._breakers.waits_until, record.company_id)
        while deadline.remaining_seconds() >= LEAST_SECONDS:
            step = choose(list(providers), record.tried, open_until, self._clock.now())
            if isinstance(step, Wait):
                return self._waits(record, step.until, **_left_alone(record))
            if not isinstance(step, Chosen):
                return self._ended(record, record.reason or "no_provider", record.words)
            asked = self._asked(record, parcel, providers[step.provider], company, deadline)
            if asked.record.state is not State.QUEUED or asked.record is record:
                return asked.outcome
            record = asked.record
        return Outcome(SOON)

    def _asked(
        self,
        record: EmailRecord,
        parcel: Parcel,
        settings: EmailProvider,
        company: Company,
        deadline: Deadline,
        *,
        once_more: bool = False,
    ) -> Asked:
        try:
            asked = self._asking.ask(record, parcel, settings, deadline, once_more=once_more)
        except RetryLater as error:
            return Asked(record, self._postponed(record, error))
        if asked.record.state is State.ACCEPTED and _first_fails(asked.record, settings, company):
            # The customer has it; the operator must still hear that the first provider does not work.
            count("EmailFallbacks", vendor=settings.vendor)
            log.warning(
                "e-mail went out through another provider", email_id=record.email_id, provider=settings.id
            )
        return asked

    # The rest

    def _hindrance(self, record: EmailRecord, company: Company) -> str:
        """Why it is not sent at all; empty: nothing is in the way."""
        if self._clock.now() >= record.ends_at:
            return "expired"
        if company.mode != "live":
            return f"company_{company.mode}"
        if not company.email.providers_for(record.kind):
            return "no_provider"
        return OVERTAKEN if self._ledger.overtaken(record) else ""

    def _parcel(self, record: EmailRecord, company: Company) -> Parcel | Outcome:
        """The e-mail ready to go, or what becomes of it because it is not."""
        try:
            content = self._ledger.content(record)
            rendered = _for_some(self._outside.rendered(record, content, company), record.only)
        except (InvalidInput, GiveUp) as error:
            return self._ended(record, error.reason, str(error))
        except RetryLater as error:
            return self._postponed(record, error)
        parcel = self._without_suppressed(rendered, company)
        if parcel.left_out:
            log.info("addresses left out", email_id=record.email_id, suppressed=len(parcel.left_out))
        return parcel if parcel.rendered.recipients else self._ended(record, "suppressed")

    def _without_suppressed(self, rendered: Rendered, company: Company) -> Parcel:
        addresses = [one.address for one in rendered.recipients]
        found = self._suppressions.among(rendered.company_id, addresses, own=company.staff_email)
        if not found:
            return Parcel(rendered)
        left = frozenset(one.address for one in rendered.recipients if one.address not in found)
        return Parcel(replace(rendered, only=left), tuple(sorted(found)))

    def _ended(self, record: EmailRecord, reason: str, words: str = "") -> Outcome:
        ended = self._ledger.ended(record, reason, words)
        if reason == OVERTAKEN:
            log.info("e-mail not sent: there is newer news", email_id=record.email_id)
            return DONE
        if ended.state is State.REJECTED:
            count("EmailsRejected", kind=record.kind)
        log.warning("e-mail not sent", email_id=record.email_id, kind=record.kind, reason=reason)
        return DONE

    def _postponed(self, record: EmailRecord, error: RetryLater) -> Outcome:
        log.info("e-mail waits", email_id=record.email_id, reason=error.reason)
        return self._waits(record, self._clock.now() + timedelta(seconds=error.after_seconds or 30))

    def _waits(self, record: EmailRecord, until: datetime, **why: str) -> Outcome:
        """Have it taken up again then, or at the moment from which it is not worth sending."""
        now = self._clock.now()
        until = min(until, max(record.ends_at, now + SOON))
        self._ledger.waiting(record, until, **why)
        return Outcome(max(until - now, SOON))


def _left_alone(record: EmailRecord) -> dict[str, str]:
    """Why an e-mail waits of which nobody was asked yet."""
    return {} if record.tried else {"reason": "left_alone", "words": LEFT_ALONE}


def _first_fails(record: EmailRecord, settings: EmailProvider, company: Company) -> bool:
    """Whether an e-mail went out through another provider because the first does not work.

    Not because it cannot carry such a message, nor because its server will not bring it to some recipients.
    """
    first = company.email.providers_for(record.kind)[0]
    ended = record.tried.get(first.id, Tried()).ended
    return first != settings and ended not in CANNOT_CARRY and not record.rest_of


def _for_some(rendered: Rendered, only: Sequence[str]) -> Rendered:
    """An e-mail for some of its recipients alone, where it is not for all."""
    return replace(rendered, only=frozenset(only)) if only else rendered
