"""What became of an e-mail: providers' reports, kept once each, whatever their order.

A report proves that the provider has the e-mail, so one that nobody was sure of is ``ACCEPTED``; it may come
before the worker's own write. An address that is lost goes on the company's suppression list.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.email.callbacks.reports import Fate
from shared.email.records import KEPT_SECONDS, WAITING_INDEX, State, as_record, email_key, report_key
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import NotFound, Untrusted
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.email.callbacks.mailgun import Token
    from shared.email.callbacks.reports import Report
    from shared.email.records import EmailRecord
    from shared.email.suppression import Suppressions
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

# Later words win over earlier ones, in whatever order they arrive: a complaint follows a delivery.
_ORDER = (
    Fate.ACCEPTED,
    Fate.DELAYED,
    Fate.DELIVERED,
    Fate.DROPPED,
    Fate.BOUNCED,
    Fate.UNSUBSCRIBED,
    Fate.COMPLAINED,
)
_LOST = {Fate.BOUNCED, Fate.DROPPED, Fate.COMPLAINED, Fate.UNSUBSCRIBED}
_TOKEN_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Happened:
    """One report as it is shown.

    Args:
        provider: which of the company's providers said it.
        fate: what happened.
        address: at which address.
        at: when.
        words: the provider's own words.
    """

    provider: str
    fate: Fate
    address: str
    at: datetime
    words: str


@dataclass(frozen=True)
class Story:
    """An e-mail with everything that is known of it, the reports by their time."""

    record: EmailRecord
    happened: tuple[Happened, ...]

    def fates(self) -> dict[str, Fate]:
        """What became of it, per address."""
        found: dict[str, Fate] = {}
        for one in self.happened:
            known = found.get(one.address)
            if known is None or _ORDER.index(one.fate) > _ORDER.index(known):
                found[one.address] = one.fate
        return found


class Aftermath:
    """Takes reports in and tells stories.

    Args:
        table: the e-mails' table.
        suppressions: where lost addresses go.
        clock: for times.
    """

    def __init__(self, table: Table, suppressions: Suppressions, clock: Clock) -> None:
        self._table = table
        self._suppressions = suppressions
        self._clock = clock

    def take(self, company_id: str, provider: str, reports: Iterable[Report]) -> int:
        """Take reports in. Returns how many were new.

        Args:
            company_id: whose provider reports; only this company's e-mails are touched.
            provider: its id in the company's document.
            reports: verified ones.
        """
        return sum(self._taken(company_id, provider, report) for report in reports)

    def _taken(self, company_id: str, provider: str, report: Report) -> bool:
        email = email_key(company_id, report.email_id) if report.email_id else None
        if email is None or self._table.get(email, consistent=True) is None:
            count("EmailReportsUnplaced", provider=provider)
            return False
        try:
            self._table.put(self._item(company_id, provider, report), "attribute_not_exists(pk)")
            new = True
        except ConditionFailed:
            new = False
        # Also where it is known: whoever kept it may have died before the lines below.
        self._prove(email, report)
        if report.permanent and report.fate in _LOST:
            self._suppressions.add(company_id, report.address, report.fate.value, report.at, report.email_id)
        if new:
            count("EmailReports", fate=report.fate.value)
            log.info("e-mail reported", email_id=report.email_id, fate=report.fate.value, provider=provider)
        return new

    def _item(self, company_id: str, provider: str, report: Report) -> Item:
        # Where the provider gives events no id, what they say is the id.
        named = report.event_id or f"{report.fate}:{report.at.isoformat()}"
        digest = hashlib.sha256(f"{provider}\0{named}\0{report.address}".encode()).hexdigest()[:32]
        return {
            **report_key(company_id, report.email_id, digest).as_item(),
            "v": SCHEMA_VERSION,
            "provider": provider,
            "fate": report.fate.value,
            "address": report.address,
            "at_ms": epoch_milliseconds(report.at),
            "words": report.words,
            "expires_at": epoch_milliseconds(self._clock.now()) // 1000 + KEPT_SECONDS,
        }

    def _prove(self, email: Key, report: Report) -> None:
        """The provider has it: settle what nobody knew, and tell a worker that is still at it."""
        item = self._table.update(
            email,
            "SET proven = :yes",
            "attribute_exists(pk)",
            values={":yes": True},
        )
        if item["state"] != State.UNKNOWN:
            return
        now = epoch_milliseconds(self._clock.now())
        try:
            self._table.update(
                email,
                "SET #state = :accepted, provider_id = :provider_id, finished_ms = :now "
                f"REMOVE {WAITING_INDEX}_pk, {WAITING_INDEX}_sk",
                "#state = :unknown",
                values={
                    ":accepted": State.ACCEPTED.value,
                    ":unknown": State.UNKNOWN.value,
                    ":provider_id": report.provider_id,
                    ":now": now,
                },
                names={"#state": "state"},
            )
        except ConditionFailed:
            return  # somebody took it up; it finds the proof
        count("EmailsUnknownSettled")

    def story(self, company_id: str, email_id: str) -> Story:
        """An e-mail and its reports.

        Raises:
            NotFound: there is no such e-mail of this company.
        """
        key = email_key(company_id, email_id)
        items = self._table.query(key.pk, prefix=key.sk, consistent=True)
        own = next((item for item in items if item["sk"] == key.sk), None)
        if own is None:
            raise NotFound("there is no such e-mail")
        reports = [_happened(item) for item in items if item["sk"] != key.sk]
        return Story(as_record(own), tuple(sorted(reports, key=lambda one: one.at)))

    def spend(self, company_id: str, token: Token) -> None:
        """Let a Mailgun token count for one event only.

        Raises:
            Untrusted: it came with another event before.
        """
        now = epoch_milliseconds(self._clock.now())
        item = {
            **Key(company_pk(company_id), f"token#{token.name}").as_item(),
            "v": SCHEMA_VERSION,
            "event_digest": token.event,
            "expires_at": now // 1000 + _TOKEN_SECONDS,
        }
        try:
            self._table.put(
                item, "attribute_not_exists(pk) OR event_digest = :event", {":event": token.event}
            )
        except ConditionFailed:
            raise Untrusted("the token was used for another event", reason="token_reused") from None


def _happened(item: Item) -> Happened:
    return Happened(
        item["provider"],
        Fate(item["fate"]),
        item["address"],
        from_epoch_milliseconds(item["at_ms"]),
        item["words"],
    )
