"""Reminders' rows, from the moment at which they are due: each is claimed by one worker at a time.

    due ──→ claimed ──→ handed ──→ sent, not_sent
              ↑  └───→ skipped
              └ when the claim is older than `CLAIMED_FOR`

Booking writes rows and takes them away (`shared.calendars.reminder_rows`). A claim adds one to ``fence`` and
moves the row's place in the index ahead; what its worker writes later holds only under that fence. A move of
the appointment writes the row anew, without a fence, so that nothing of an old claim holds on it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from shared.calendars.keys import (
    DUE_INDEX,
    REMINDER_SHARDS,
    appointment_pk,
    reminder_key,
    reminder_shard,
    reminders_due_pk,
    time_sk,
)
from shared.calendars.reminder_rows import DUE, KEPT_AFTER
from shared.companies.names import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.tables import ConditionFailed, Key, Put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.calendars.appointments import Appointment
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

CLAIMED, HANDED, SENT, NOT_SENT, SKIPPED = "claimed", "handed", "sent", "not_sent", "skipped"
# Longer than an errand may take; a worker that died is followed after it.
CLAIMED_FOR = timedelta(seconds=90)
# Of one round and partition; what is left over is found a minute later.
MOST_PER_SHARD = 2_000


@dataclass(frozen=True, order=True)
class RowName:
    """Which reminder: its appointment, and its place among the appointment's rows."""

    company_id: str
    appointment_id: str
    row: str

    @property
    def key(self) -> Key:
        """Where it stands."""
        return Key(appointment_pk(self.company_id, self.appointment_id), self.row)


@dataclass(frozen=True)
class Reminder:
    """A reminder as it was armed: of which appointment, in which of its versions.

    Args:
        name: which.
        minutes_before: so long before the appointment, on the company's clock.
        by: ``chat`` or ``email``.
        sequence: how often the appointment had moved.
        start_ms: when it began then, in milliseconds since 1970.
        due_ms: when the reminder is due, the same.
        instead: an e-mail in place of a message that the channel does not take.
        fence: of the claim.
    """

    name: RowName
    minutes_before: int
    by: str
    sequence: int
    start_ms: int
    due_ms: int
    instead: bool = False
    fence: int = 0

    @property
    def identity(self) -> str:
        """The same for every copy of it, and another one after the appointment has moved."""
        return f"{self.name.appointment_id}#{self.name.row}#{self.sequence}"

    @property
    def due_at(self) -> datetime:
        """When it is due."""
        return from_epoch_milliseconds(self.due_ms)

    @property
    def start(self) -> datetime:
        """When the appointment began as it was armed."""
        return from_epoch_milliseconds(self.start_ms)

    def as_plain(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_plain` wrote."""
        return cls(**{**data, "name": RowName(**data["name"])})


class ReminderRows:
    """The rows.

    Args:
        table: the calendars table.
        clock: time.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def due(self) -> list[RowName]:
        """Those that want attention by now, of all companies; claims of the dead among them."""
        until = time_sk(self._clock.now(), "~")
        found = [
            item
            for shard in range(REMINDER_SHARDS)
            for item in self._table.query(
                reminders_due_pk(shard), between=("0", until), limit=MOST_PER_SHARD, index=DUE_INDEX
            )
        ]
        return [_name(item["pk"], item["sk"]) for item in found]

    def claim(self, name: RowName) -> Reminder | None:
        """Have a row for oneself, or ``None`` where it is gone, done, not due any more or another's."""
        item = self._table.get(name.key, consistent=True)
        now = self._clock.now()
        if (
            item is None
            or item["status"] not in {DUE, CLAIMED}
            or item[f"{DUE_INDEX}_sk"] > time_sk(now, "~")
        ):
            return None
        again = time_sk(now + CLAIMED_FOR, name.company_id, name.appointment_id, name.row)
        try:
            mine = self._table.update(
                name.key,
                f"SET #status = :claimed, fence = :mine, {DUE_INDEX}_sk = :again",
                # The very row that was read: neither claimed nor written anew since.
                f"{DUE_INDEX}_sk = :read",
                values={
                    ":claimed": CLAIMED,
                    ":mine": item.get("fence", 0) + 1,
                    ":again": again,
                    ":read": item[f"{DUE_INDEX}_sk"],
                },
                names={"#status": "status"},
            )
        except ConditionFailed:
            return None
        return _reminder(name, mine)

    def finish(self, reminder: Reminder, status: str, reason: str = "") -> None:
        """End a claim; where it is not ours any more nothing happens."""
        with suppress(ConditionFailed):
            self._end(reminder, status, reason, "fence = :fence", {":fence": reminder.fence})

    def note(self, reminder: Reminder, status: str, reason: str = "") -> None:
        """Note what became of a reminder that was handed on, unless the appointment has moved since."""
        with suppress(ConditionFailed):
            self._end(
                reminder,
                status,
                reason,
                "#sequence = :sequence AND #status <> :due",
                {":sequence": reminder.sequence, ":due": DUE},
            )

    def wait(self, reminder: Reminder, until: datetime) -> None:
        """Give a claimed row back: it is due again at a moment."""
        name = reminder.name
        place = time_sk(until, name.company_id, name.appointment_id, name.row)
        with suppress(ConditionFailed):
            self._table.update(
                name.key,
                f"SET #status = :due, {DUE_INDEX}_sk = :place",
                "fence = :fence",
                values={":due": DUE, ":place": place, ":fence": reminder.fence},
                names={"#status": "status"},
            )

    def arm_email(self, reminder: Reminder, appointment: Appointment) -> None:
        """Have an e-mail sent instead, unless an e-mail stands there for the same time already."""
        now, company_id = self._clock.now(), reminder.name.company_id
        key = reminder_key(company_id, appointment.id, reminder.minutes_before, "email")
        item = {
            **key.as_item(),
            "v": SCHEMA_VERSION,
            "company_id": company_id,
            "appointment_id": appointment.id,
            "minutes_before": reminder.minutes_before,
            "by": "email",
            "instead": True,
            "status": DUE,
            "sequence": reminder.sequence,
            "start": reminder.start_ms,
            "due_at": reminder.due_ms,
            f"{DUE_INDEX}_pk": reminders_due_pk(reminder_shard(appointment.id)),
            f"{DUE_INDEX}_sk": time_sk(now, company_id, appointment.id, key.sk),
            "expires_at": int((appointment.place.interval.end + KEPT_AFTER).timestamp()),
        }
        with suppress(ConditionFailed):
            older = "attribute_not_exists(pk) OR #sequence < :sequence"
            values, names = {":sequence": reminder.sequence}, {"#sequence": "sequence"}
            self._table.transact([Put(item, older, values, names)])

    def _end(
        self, reminder: Reminder, status: str, reason: str, condition: str, values: dict[str, Any]
    ) -> None:
        known = {":status": status, ":reason": reason, ":now": epoch_milliseconds(self._clock.now())}
        names = {"#status": "status"} | ({"#sequence": "sequence"} if "#sequence" in condition else {})
        self._table.update(
            reminder.name.key,
            f"SET #status = :status, reason = :reason, ended_at = :now REMOVE {DUE_INDEX}_pk, {DUE_INDEX}_sk",
            condition,
            values={**known, **values},
            names=names,
        )


def _name(pk: str, sk: str) -> RowName:
    _, company_id, _, appointment_id = pk.split("#")
    return RowName(company_id, appointment_id, sk)


def _reminder(name: RowName, item: Mapping[str, Any]) -> Reminder:
    return Reminder(
        name,
        item["minutes_before"],
        item["by"],
        item["sequence"],
        item["start"],
        item["due_at"],
        item.get("instead", False),
        item["fence"],
    )


def unclaimed(reminder: Reminder) -> Reminder:
    """The reminder without its claim: what is handed on."""
    return replace(reminder, fence=0)
