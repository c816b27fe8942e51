"""One e-mail on its way: ``QUEUED → SENDING → ACCEPTED | REJECTED | UNKNOWN``.

Another provider is asked only when the one before certainly did not accept. What nobody knows (the answer
was lost, or the worker died while it asked) waits for the provider's own report; without one it is sent once
more, by the same provider and under the same Message-ID, where the company's rules want that, never again.
Why it is built so: docs/decisions/0021-email-delivery.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from shared.email.plan import Chosen, Wait, after_failure, choose
from shared.email.providers.contract import Ambiguous, Rejected
from shared.email.records import State, Tried
from shared.platform.clock import Deadline
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
    from shared.email.providers.contract import Accepted, Provider
    from shared.email.records import EmailRecord
    from shared.email.rendered import Rendered
    from shared.email.suppression import Suppressions
    from shared.platform.clock import Clock

SEND_SECONDS = 30.0
# Less time than this is not enough to ask anybody.
LEAST_SECONDS = 5.0
# How long after the last moment at which somebody may be at it a worker counts as dead.
BUSY_SECONDS = 60.0
# How long a provider's report is waited for when nobody knows; reports come within seconds to minutes.
SETTLE = timedelta(minutes=10)


@dataclass(frozen=True)
class Outcome:
    """What is to become of the queue's message.

    Args:
        again_after: take it up again after this time; ``None``: it is done with.
    """

    again_after: timedelta | None = None


DONE = Outcome()


class Outside(Protocol):
    """What a delivery needs of the rest."""

    def company(self, company_id: str) -> Company | None:
        """The company's document; ``None`` where there is none any more."""
        ...

    def rendered(self, record: EmailRecord, company: Company) -> Rendered:
        """The e-mail, ready to go; the same for every try.

        Raises:
            InvalidInput, GiveUp: it cannot be put together. RetryLater: not now.
        """
        ...

    def provider(self, company_id: str, settings: EmailProvider) -> Provider:
        """A provider, ready to send.

        Raises:
            Rejected, GiveUp: it cannot be opened. RetryLater: not now.
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

    def deliver(self, company_id: str, email_id: str, deadline: Deadline) -> Outcome:
        """Take an e-mail one step further, or as far as it goes.

        Args:
            company_id: whose.
            email_id: which.
            deadline: by when this must be over.
        """
        record = self._ledger.read(company_id, email_id)
        if record is None or record.state in {State.ACCEPTED, State.REJECTED}:
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
            record = self._ledger.unknown(record, "worker_died", at=record.busy_until or now)
            count("EmailsUnknown", reason="worker_died")
        company = self._outside.company(record.company_id)
        if company is None:
            return self._ended(record, "no_company")
        if record.state is State.UNKNOWN:
            return self._nobody_knows(record, company, deadline)
        return self._sent(record, company, deadline)

    # Nobody knows

    def _nobody_knows(self, record: EmailRecord, company: Company, deadline: Deadline) -> Outcome:
        now = self._clock.now()
        before = record.tried.get(record.provider, Tried())
        settles_at = max((record.unknown_since or now) + SETTLE, before.wait_until or now)
        if record.proven:
            self._ledger.accepted(record, record.provider_id)
            return DONE
        if now < settles_at:
            self._ledger.waiting(record, settles_at)
            return Outcome(settles_at - now)
        known = {one.id: one for one in company.email.providers}
        wanted = company.email.when_unknown(record.kind) == "send_again" and not before.ended
        if not wanted or record.sent_again or record.provider not in known or now >= record.ends_at:
            self._ledger.left_unknown(record)
            log.warning("nobody knows whether the e-mail went out", email_id=record.email_id)
            return DONE
        ready = self._prepared(record, company)
        if isinstance(ready, Outcome):
            return ready
        count("EmailPossibleDuplicates", kind=record.kind)
        log.warning("e-mail sent once more", email_id=record.email_id, provider=record.provider)
        record = self._ledger.sending(
            record, record.provider, self._busy_until(), tried=record.tried, sent_again=True
        )
        return self._asked(record, ready, known[record.provider], first=True, deadline=deadline)

    # Sending

    def _sent(self, record: EmailRecord, company: Company, deadline: Deadline) -> Outcome:
        hindrance = self._hindrance(record, company)
        if hindrance:
            return self._ended(record, hindrance)
        ready = self._prepared(record, company)
        if isinstance(ready, Outcome):
            return ready
        return self._passed_on(record, ready, company.email.providers_for(record.kind), deadline)

    def _prepared(self, record: EmailRecord, company: Company) -> Rendered | Outcome:
        """The e-mail ready to go, or what becomes of it because it is not."""
        try:
            rendered = self._outside.rendered(record, company)
        except (InvalidInput, GiveUp) as error:
            return self._ended(record, error.reason, str(error))
        except RetryLater as error:
            return self._postponed(record, error)
        kept, suppressed = self._without_suppressed(record, rendered)
        if suppressed:
            log.info("addresses left out", email_id=record.email_id, suppressed=len(suppressed))
        return kept if kept.to else self._ended(record, "suppressed")

    def _hindrance(self, record: EmailRecord, company: Company) -> str:
        """Why it is not sent at all; empty: nothing is in the way."""
        if self._clock.now() >= record.ends_at:
            return "expired"
        if company.mode != "live":
            return f"company_{company.mode}"
        return "" if company.email.providers_for(record.kind) else "no_provider"

    def _passed_on(
        self, record: EmailRecord, rendered: Rendered, providers: Sequence[EmailProvider], deadline: Deadline
    ) -> Outcome:
        """Ask one provider after the other, until one accepts, nobody knows, or none is left for now."""
        open_until = partial(self._breakers.waits_until, record.company_id)
        while True:
            if deadline.remaining_seconds() < LEAST_SECONDS:
                return Outcome(timedelta(seconds=1))
            step = choose([one.id for one in providers], record.tried, open_until, self._clock.now())
            if isinstance(step, Wait):
                self._ledger.waiting(record, step.until)
                return Outcome(max(step.until - self._clock.now(), timedelta(seconds=1)))
            if not isinstance(step, Chosen):
                return self._ended(record, _last_reason(record), record.words)
            settings = next(one for one in providers if one.id == step.provider)
            record = self._ledger.sending(record, settings.id, self._busy_until(), tried=record.tried)
            outcome = self._asked(
                record, rendered, settings, first=settings is providers[0], deadline=deadline
            )
            again = self._ledger.read(record.company_id, record.email_id)
            if again is None or again.state is not State.QUEUED:
                return outcome
            record = again

    def _asked(
        self,
        record: EmailRecord,
        rendered: Rendered,
        settings: EmailProvider,
        *,
        first: bool,
        deadline: Deadline,
    ) -> Outcome:
        company_id, provider = record.company_id, settings.id
        try:
            opened = self._outside.provider(company_id, settings)
            accepted = opened.send(rendered, Deadline(self._clock, deadline.within(SEND_SECONDS)))
        except Ambiguous as error:
            return self._lost(record, settings, error)
        except RetryLater as error:
            self._breakers.failed(company_id, provider, settings.vendor)
            self._ledger.queued(record, self._tried(record, error), error.reason, str(error))
            return Outcome(timedelta(seconds=1))
        except Rejected as error:
            return self._refused(record, settings, error)
        except GiveUp as error:
            self._ledger.queued(record, self._tried(record, error), error.reason, str(error))
            return Outcome(timedelta(seconds=1))
        self._breakers.succeeded(company_id, provider)
        return self._arrived(record, settings, accepted, first=first)

    def _arrived(
        self, record: EmailRecord, settings: EmailProvider, accepted: Accepted, *, first: bool
    ) -> Outcome:
        self._ledger.accepted(record, accepted.provider_id, [one.address for one in accepted.refused])
        count("EmailsAccepted", vendor=settings.vendor, kind=record.kind)
        log.info("e-mail accepted", email_id=record.email_id, provider=settings.id, attempts=record.attempts)
        if not first:
            # The customer has it; the operator must still hear that the first provider does not work.
            count("EmailFallbacks", vendor=settings.vendor)
            log.warning("e-mail went out through another provider", email_id=record.email_id)
        return DONE

    def _refused(self, record: EmailRecord, settings: EmailProvider, error: Rejected) -> Outcome:
        if error.about == "recipients":
            return self._ended(record, error.reason, str(error))
        if error.about == "account":
            self._breakers.failed(record.company_id, settings.id, settings.vendor, at_once=True)
        self._ledger.queued(record, self._tried(record, error), error.reason, str(error))
        return Outcome(timedelta(seconds=1))

    def _lost(self, record: EmailRecord, settings: EmailProvider, error: Ambiguous) -> Outcome:
        self._breakers.failed(record.company_id, settings.id, settings.vendor)
        self._ledger.unknown(record, error.reason, at=self._clock.now())
        count("EmailsUnknown", reason="answer_lost")
        log.warning("nobody knows yet whether the e-mail went out", email_id=record.email_id)
        return Outcome(SETTLE)

    def _tried(self, record: EmailRecord, error: RetryLater | GiveUp) -> dict[str, Tried]:
        before = record.tried.get(record.provider, Tried())
        return {**record.tried, record.provider: after_failure(before, error, self._clock.now())}

    # The rest

    def _without_suppressed(self, record: EmailRecord, rendered: Rendered) -> tuple[Rendered, list[str]]:
        if record.kind == "staff":
            return (
                rendered,
                [],
            )  # a company's own people; who puts them on the list by mistake is not silenced
        addresses = [one.address for one in rendered.recipients]
        found = self._suppressions.among(record.company_id, addresses)
        if not found:
            return rendered, []
        to, cc, bcc = (
            tuple(one for one in some if one.address not in found)
            for some in (rendered.to, rendered.cc, rendered.bcc)
        )
        return replace(rendered, to=to, cc=cc, bcc=bcc), sorted(found)

    def _ended(self, record: EmailRecord, reason: str, words: str = "") -> Outcome:
        self._ledger.rejected(record, reason, words)
        count("EmailsRejected", kind=record.kind)
        log.warning("e-mail not sent", email_id=record.email_id, kind=record.kind, reason=reason)
        return DONE

    def _postponed(self, record: EmailRecord, error: RetryLater) -> Outcome:
        wait = timedelta(seconds=error.after_seconds or 30)
        self._ledger.waiting(record, self._clock.now() + wait)
        log.info("e-mail waits", email_id=record.email_id, reason=error.reason)
        return Outcome(wait)

    def _busy_until(self) -> datetime:
        return self._clock.now() + timedelta(seconds=SEND_SECONDS + BUSY_SECONDS)


def _last_reason(record: EmailRecord) -> str:
    ended = [one.ended for one in record.tried.values() if one.ended]
    return ended[-1] if ended else "no_provider"
