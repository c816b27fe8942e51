"""Channels: standing wishes to be told when a calendar changes, opened before the old one ends, and stopped.

An item of a calendar's partition for each, ``channel#<id>``, written before the vendor is asked: what was
asked for and never answered shows itself by its first notification, and can then be stopped as well.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendars.keys import calendar_pk
from shared.calendars.providers.contract import Channel
from shared.companies.names import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import FrontdeskError, GiveUp, InvalidInput, RetryLater
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendars.providers.contract import CalendarProvider
    from shared.companies.calendars import CalendarSettings
    from shared.platform.clock import Clock, Deadline
    from shared.platform.tables import Item, Table

CHANNEL = "channel#"
REFUSED = "channel-refused"
PATH = "/api/webhook/{provider}/{company_id}"
RENEW_BEFORE = timedelta(days=1)
# Google's longest life of a channel, for those whose answer was lost.
LONGEST_LIFE = timedelta(days=7)
# An unanswered wish that has not shown itself by then was never heard.
UNANSWERED = timedelta(hours=1)
ASK_AGAIN = timedelta(days=1)
CALL_SECONDS = 10.0


def token_hash(token: str) -> str:
    """How a channel's token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def channel_key(company_id: str, calendar_id: str, channel_id: str) -> Key:
    """Where a channel stands."""
    return Key(calendar_pk(company_id, calendar_id), f"{CHANNEL}{channel_id}")


@dataclass(frozen=True)
class Channels:
    """Opens, renews and stops channels.

    Args:
        table: the calendars table.
        clock: time.
        base_url: our public address; empty: vendors cannot reach us, and no channel is opened.
    """

    table: Table
    clock: Clock
    base_url: str

    def keep(
        self, company_id: str, calendar: CalendarSettings, provider: CalendarProvider, deadline: Deadline
    ) -> None:
        """See to it that a calendar has one channel that does not end soon, and no other."""
        found = self._of(company_id, calendar.id)
        address = self.base_url + PATH.format(provider=calendar.provider, company_id=company_id)
        good = [item for item in found if self._lasts(item, calendar, address)]
        newest = max(good, key=lambda item: int(item["opened_at"]), default=None)
        if newest is None and self._wanted(company_id, calendar, provider):
            newest = self._open(company_id, calendar, provider, address, deadline)
        for item in found:
            if newest is None or item["sk"] != newest["sk"]:
                self._retire(item, provider, deadline, still_good=newest is None)

    def stop_all(
        self, company_id: str, calendar_id: str, provider: CalendarProvider | None, deadline: Deadline
    ) -> bool:
        """Stop a calendar's channels; whether all of them are gone, or can no longer be stopped."""
        for item in self._of(company_id, calendar_id):
            if not self._stopped(item, provider, deadline):
                return False
            self.table.delete(Key(item["pk"], item["sk"]))
        return True

    def begun(self, company_id: str, calendar_id: str) -> None:
        """A look begins: what a channel tells from now on asks for another one."""
        for item in self._of(company_id, calendar_id):
            if "pending_until" in item:
                with suppress(ConditionFailed):
                    self.table.update(
                        Key(item["pk"], item["sk"]), "REMOVE pending_until", "attribute_exists(pk)"
                    )

    def _of(self, company_id: str, calendar_id: str) -> list[Item]:
        return self.table.query(calendar_pk(company_id, calendar_id), prefix=CHANNEL, consistent=True)

    def _wanted(self, company_id: str, calendar: CalendarSettings, provider: CalendarProvider) -> bool:
        if not self.base_url or not provider.capabilities.watches:
            return False
        refused = self.table.get(Key(calendar_pk(company_id, calendar.id), REFUSED))
        now = epoch_milliseconds(self.clock.now())
        return refused is None or refused["again_at"] <= now or refused["calendar"] != calendar.calendar

    def _lasts(self, item: Item, calendar: CalendarSettings, address: str) -> bool:
        wanted = (calendar.provider, calendar.calendar, address)
        same = (item["provider"], item["calendar"], item["address"]) == wanted
        return same and "resource_id" in item and _ends_at(item) - self.clock.now() > RENEW_BEFORE

    def _open(
        self,
        company_id: str,
        calendar: CalendarSettings,
        provider: CalendarProvider,
        address: str,
        deadline: Deadline,
    ) -> Item | None:
        channel_id, token = secrets.token_urlsafe(24), f"{calendar.id}.{secrets.token_urlsafe(32)}"
        key, now = channel_key(company_id, calendar.id, channel_id), self.clock.now()
        self.table.put(
            {
                **key.as_item(),
                "v": SCHEMA_VERSION,
                "provider": calendar.provider,
                "calendar": calendar.calendar,
                "address": address,
                "token_hash": token_hash(token),
                "opened_at": epoch_milliseconds(now),
                "message_number": 0,
                "expires_at": int((now + LONGEST_LIFE + RENEW_BEFORE).timestamp()),
            }
        )
        try:
            made = provider.watch(
                calendar.calendar,
                channel_id=channel_id,
                token=token,
                address=address,
                timeout_seconds=deadline.within(CALL_SECONDS),
            )
        except RetryLater as problem:
            _tell("failed", problem)
            return None
        except (GiveUp, InvalidInput) as problem:
            self._note_refused(company_id, calendar, problem.reason)
            self.table.delete(key)
            _tell("refused", problem)
            return None
        count("CalendarChannels", outcome="opened")
        return self.table.update(
            key,
            "SET resource_id = :resource, ends_at = :ends",
            values={":resource": made.resource_id, ":ends": epoch_milliseconds(made.expires_at)},
        )

    def _note_refused(self, company_id: str, calendar: CalendarSettings, reason: str) -> None:
        again = self.clock.now() + ASK_AGAIN
        self.table.put(
            {
                **Key(calendar_pk(company_id, calendar.id), REFUSED).as_item(),
                "v": SCHEMA_VERSION,
                "calendar": calendar.calendar,
                "reason": reason,
                "again_at": epoch_milliseconds(again),
                "expires_at": int((again + ASK_AGAIN).timestamp()),
            }
        )

    def _retire(
        self, item: Item, provider: CalendarProvider, deadline: Deadline, *, still_good: bool
    ) -> None:
        """End a channel that another one stands for, or that ended by itself."""
        over = self.clock.now() >= _ends_at(item)
        silent = "resource_id" not in item and self.clock.now() - _opened_at(item) > UNANSWERED
        replaced = "resource_id" in item and not still_good
        if silent or over or (replaced and self._stopped(item, provider, deadline)):
            self.table.delete(Key(item["pk"], item["sk"]))

    def _stopped(self, item: Item, provider: CalendarProvider | None, deadline: Deadline) -> bool:
        if provider is None or "resource_id" not in item or self.clock.now() >= _ends_at(item):
            return True
        channel = Channel(item["sk"].removeprefix(CHANNEL), item["resource_id"], _ends_at(item))
        try:
            provider.stop(channel, timeout_seconds=deadline.within(CALL_SECONDS))
        except RetryLater as problem:
            _tell("not_stopped", problem)
            return False
        except (GiveUp, InvalidInput) as problem:
            _tell("stop_refused", problem)
            return True  # nobody can: it ends by itself, and what it tells is not listened to
        count("CalendarChannels", outcome="stopped")
        return True


def reachable(base_url: str, *, loopback: bool) -> str:
    """The public address, where vendors can tell us something there; else nothing."""
    local = loopback and base_url.startswith(("http://127.0.0.1:", "http://localhost:"))
    return base_url if base_url.startswith("https://") or local else ""


def _opened_at(item: Item) -> datetime:
    return from_epoch_milliseconds(item["opened_at"])


def _ends_at(item: Item) -> datetime:
    ends = item.get("ends_at")
    return from_epoch_milliseconds(ends) if ends else _opened_at(item) + LONGEST_LIFE


def _tell(outcome: str, problem: FrontdeskError) -> None:
    count("CalendarChannels", outcome=outcome)
    log.warning("a channel of a calendar", outcome=outcome, reason=problem.reason)
