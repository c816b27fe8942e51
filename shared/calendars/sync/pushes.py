"""A vendor tells that a calendar changed: believed only from a channel of ours, then looked at soon.

Google's page "Push notifications": headers say which channel speaks, and its token comes back as we gave it.
The token begins with our id of the calendar, so that the channel is found by its key.
"""

from __future__ import annotations

import hmac
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.calendars.sync.channels import channel_key, token_hash
from shared.calendars.sync.errands import EVERY_CALENDAR, SyncErrand
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import NotFound
from shared.platform.observability import count
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Key, Table

# Several edits of one person come together; one look serves them all.
DELAY_SECONDS = 1
# How long a look that was asked for keeps others from being asked for, should it never begin.
PENDING_SECONDS = 60
_CHANNEL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})\.[A-Za-z0-9_-]{1,180}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_RESOURCE_ID = re.compile(r"[\x21-\x7e]{1,256}")


class Errands(Protocol):
    """See `shared.companies.errands.ErrandQueue`."""

    def send(self, errand: SyncErrand, delay_seconds: int) -> None:
        """Enqueue it."""
        ...


@dataclass(frozen=True)
class Pushes:
    """Takes notifications.

    Args:
        table: the calendars table.
        errands: takes what is to be looked at.
        clock: time.
    """

    table: Table
    errands: Errands
    clock: Clock

    def take(self, company_id: str, headers: Mapping[str, str]) -> str:
        """Take one notification of Google's.

        Args:
            company_id: whose calendar the address names.
            headers: of the request, names in small letters.

        Returns:
            What became of it: ``opened``, ``queued``, ``waiting`` (a look is asked for already) or ``old``.

        Raises:
            NotFound: no channel of ours speaks so; which part is wrong is not told.
        """
        item, key = self._channel(company_id, headers)
        resource_id = headers.get("x-goog-resource-id", "")
        if "resource_id" not in item and _RESOURCE_ID.fullmatch(resource_id):
            # The answer that should have told it is on its way still, or was lost.
            with suppress(ConditionFailed):
                item = self.table.update(
                    key,
                    "SET resource_id = :it",
                    "attribute_not_exists(resource_id)",
                    values={":it": resource_id},
                )
        if not _same(str(item.get("resource_id", "")), resource_id):
            raise _unknown()
        number = headers.get("x-goog-message-number", "")
        if not _NUMBER.fullmatch(number):
            raise _unknown()
        outcome = self._taken(company_id, key, item, headers, int(number))
        count("CalendarPushes", outcome=outcome)
        return outcome

    def wake(self, company_id: str, calendar_id: str = EVERY_CALENDAR) -> None:
        """Ask for a look at a calendar, or at all; for vendors whose notifications are checked elsewhere."""
        self.errands.send(SyncErrand(company_id, calendar_id), DELAY_SECONDS)

    def _channel(self, company_id: str, headers: Mapping[str, str]) -> tuple[Item, Key]:
        channel_id, token = headers.get("x-goog-channel-id", ""), headers.get("x-goog-channel-token", "")
        named = _TOKEN.fullmatch(token)
        if named is None or not _CHANNEL_ID.fullmatch(channel_id):
            raise _unknown()
        key = channel_key(company_id, named[1], channel_id)
        item = self.table.get(key, consistent=True)
        if item is None or not _same(item["token_hash"], token_hash(token)):
            raise _unknown()
        return item, key

    def _taken(self, company_id: str, key: Key, item: Item, headers: Mapping[str, str], number: int) -> str:
        if headers.get("x-goog-resource-state") == "sync":
            return "opened"
        if number <= item["message_number"]:
            return "old"
        waiting = not self._asked(key)
        if not waiting:
            try:
                self.wake(company_id, key.pk.rpartition("#")[2])
            except BaseException:  # the vendor is told that we failed, and tells us again
                self.table.update(key, "REMOVE pending_until", "attribute_exists(pk)")
                raise
        with suppress(ConditionFailed):  # a later word was quicker
            self.table.update(
                key,
                "SET message_number = :number",
                "message_number < :number",
                values={":number": number},
            )
        return "waiting" if waiting else "queued"

    def _asked(self, key: Key) -> bool:
        """Note that a look is about to be asked for, unless one is."""
        now = epoch_milliseconds(self.clock.now())
        try:
            self.table.update(
                key,
                "SET pending_until = :until",
                "attribute_exists(pk) AND (attribute_not_exists(pending_until) OR pending_until < :now)",
                values={":until": now + PENDING_SECONDS * 1000, ":now": now},
            )
        except ConditionFailed:
            return False
        return True


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _unknown() -> NotFound:
    count("CalendarPushes", outcome="unknown")
    return NotFound("there is no such channel", reason="no_channel")
