"""What became of an e-mail: providers' reports, kept once each, whatever their order.

A report proves that the provider has the e-mail, so one that nobody was sure of is ``ACCEPTED``; it may come
before the worker's own write. An address that is lost goes on the company's suppression list.

A report is kept after all that follows from it was done, so one that is known has nothing left to do: whoever
dies in between does it all again, and a delivery that comes again is read and not worked on.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.email.callbacks.reports import Fate, gravity
from shared.email.records import (
    KEPT_SECONDS,
    WAITING_INDEX,
    State,
    as_record,
    content_key,
    email_key,
    report_key,
)
from shared.email.story import Happened, Story
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import NotFound, RetryLater, Untrusted
from shared.platform.observability import count, log
from shared.platform.tables import Check, ConditionFailed, Key, Put

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.email.callbacks.mailgun import Token
    from shared.email.callbacks.reports import Report
    from shared.email.suppression import Suppressions
    from shared.platform.clock import Clock, Deadline
    from shared.platform.tables import Item, Table

_LOST = {Fate.BOUNCED, Fate.DROPPED, Fate.COMPLAINED, Fate.UNSUBSCRIBED}
# A report of what was sent before it was sent anew says nothing of what is sent since.
_OF_THIS_TIME = "attribute_not_exists(resent_ms) OR resent_ms <= :at"
_TOKEN_SECONDS = 24 * 3600
_AT_A_TIME = 100


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

    def take(
        self, company_id: str, provider: str, reports: Iterable[Report], deadline: Deadline | None = None
    ) -> int:
        """Take reports in. Returns how many were new.

        Args:
            company_id: whose provider reports; only this company's e-mails are touched.
            provider: its id in the company's document.
            reports: verified ones.
            deadline: by when this must be over; ``None``: there is all the time that is needed.

        Raises:
            RetryLater: there was no time for all of them. What was taken stays, so that the next time
                begins where this one ended.
        """
        given, new = list(reports), 0
        for start in range(0, len(given), _AT_A_TIME):
            some = given[start : start + _AT_A_TIME]
            for report in self._unknown(company_id, provider, some):
                if deadline is not None and deadline.passed():
                    raise RetryLater("not all reports could be taken in time", reason="reports_left")
                new += self._taken(company_id, provider, report)
        return new

    def _unknown(self, company_id: str, provider: str, reports: list[Report]) -> list[Report]:
        places = [_place(company_id, provider, report) for report in reports]
        known = {Key(item["pk"], item["sk"]) for item in self._table.get_many(places)}
        return [report for report, place in zip(reports, places, strict=True) if place not in known]

    def _taken(self, company_id: str, provider: str, report: Report) -> bool:
        email = email_key(company_id, report.email_id)
        item = self._proven(email, report) if report.email_id else None
        if item is None:
            count("EmailReportsUnplaced", provider=provider)
            return False
        if report.permanent and report.fate in _LOST and report.address:
            self._suppressions.reported(
                company_id, report.address, report.fate.value, report.at, report.email_id
            )
        if gravity(report.fate, certain=report.certain) > item.get("fate_rank", 0):
            self._mark(email, report)
        if not self._kept(email, self._item(company_id, provider, report)):
            return False
        count("EmailReports", fate=report.fate.value)
        if report.fate is Fate.DROPPED and not report.permanent:
            count("EmailsDropped", provider=provider)
            log.warning("a provider took an e-mail and did not send it", email_id=report.email_id)
        elif report.certain and report.fate in {Fate.BOUNCED, Fate.COMPLAINED}:
            count("EmailsSentBack", fate=report.fate.value)
        log.info("e-mail reported", email_id=report.email_id, fate=report.fate.value, provider=provider)
        return True

    def _mark(self, email: Key, report: Report) -> None:
        """Write the gravest fate beside the state, where lists show it; harmless when repeated."""
        condition = (
            "attribute_exists(pk) AND (attribute_not_exists(fate_rank) OR fate_rank < :rank)"
            f" AND ({_OF_THIS_TIME})"
        )
        values = {
            ":fate": report.fate.value,
            ":rank": gravity(report.fate, certain=report.certain),
            ":at": epoch_milliseconds(report.at),
        }
        with suppress(ConditionFailed):
            self._table.update(email, "SET fate = :fate, fate_rank = :rank", condition, values=values)

    def _kept(self, email: Key, item: Item) -> bool:
        """Keep a report with its e-mail; not where its customer is forgotten meanwhile, nor a second time."""
        try:
            self._table.transact(
                [Check(email, "attribute_exists(pk)"), Put(item, "attribute_not_exists(pk)")]
            )
        except ConditionFailed:
            return False
        return True

    def _item(self, company_id: str, provider: str, report: Report) -> Item:
        return {
            **_place(company_id, provider, report).as_item(),
            "v": SCHEMA_VERSION,
            "provider": provider,
            "fate": report.fate.value,
            "address": report.address,
            "at_ms": epoch_milliseconds(report.at),
            "words": report.words,
            **({} if report.certain else {"certain": False}),
            "expires_at": epoch_milliseconds(self._clock.now()) // 1000 + KEPT_SECONDS,
        }

    def _proven(self, email: Key, report: Report) -> Item | None:
        """The provider has it: settle what nobody knew, and tell a worker that is still at it.

        Returns:
            The e-mail; ``None``: there is no such one.
        """
        try:
            item = self._table.update(
                email,
                "SET proven = :yes",
                f"attribute_exists(pk) AND ({_OF_THIS_TIME})",
                values={":yes": True, ":at": epoch_milliseconds(report.at)},
            )
        except ConditionFailed as failed:
            return failed.item  # sent anew since: it proves nothing, and is kept with it
        if item["state"] == State.UNKNOWN:
            self._settle(email, report)
        return item

    def _settle(self, email: Key, report: Report) -> None:
        try:
            self._table.update(
                email,
                "SET #state = :accepted, provider_id = :provider_id, finished_ms = :now, "
                f"#reason = :none, #words = :none REMOVE {WAITING_INDEX}_pk, {WAITING_INDEX}_sk",
                f"#state = :unknown AND ({_OF_THIS_TIME})",
                values={
                    ":at": epoch_milliseconds(report.at),
                    ":accepted": State.ACCEPTED.value,
                    ":unknown": State.UNKNOWN.value,
                    ":provider_id": report.provider_id,
                    ":now": epoch_milliseconds(self._clock.now()),
                    ":none": "",
                },
                names={"#state": "state", "#reason": "reason", "#words": "words"},
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
        items = {item["sk"]: item for item in self._table.query(key.pk, prefix=key.sk, consistent=True)}
        own, content = items.pop(key.sk, None), items.pop(content_key(company_id, email_id).sk, None)
        if own is None or content is None:
            raise NotFound("there is no such e-mail")
        reports = [_happened(item) for item in items.values()]
        return Story(as_record(own), content["content"], tuple(sorted(reports, key=lambda one: one.at)))

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


def _place(company_id: str, provider: str, report: Report) -> Key:
    """Where a report stands, the same for the same event."""
    # Where the provider gives events no id, what they say is the id.
    named = report.event_id or f"{report.fate}:{report.at.isoformat()}"
    digest = hashlib.sha256(f"{provider}\0{named}\0{report.address}".encode()).hexdigest()[:32]
    return report_key(company_id, report.email_id, digest)


def _happened(item: Item) -> Happened:
    return Happened(
        item["provider"],
        Fate(item["fate"]),
        item["address"],
        from_epoch_milliseconds(item["at_ms"]),
        item["words"],
        item.get("certain", True),
    )
