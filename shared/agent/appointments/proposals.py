"""What was proposed to a customer and waits for their yes: nothing is written to a calendar without one.

A proposal is made in one turn and carried out in a later one of the same conversation, if the reply of the
first was sent: between the two the customer read it and wrote something. A model that confirms by itself
finds nothing that it may do. One item a contact holds the proposals of the newest turn that made any
(docs/decisions/0026-confirmation.md).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from shared.calendars.keys import proposals_key
from shared.companies.names import SCHEMA_VERSION
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import RetryLater
from shared.platform.tables import ConditionFailed
from shared.platform.values import known_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.agent.tools.tool import ToolContext
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

# A "yes" of the next day may mean something else.
GOOD_FOR = timedelta(hours=12)
MOST = 5

Kind = Literal["book", "move", "cancel"]


@dataclass(frozen=True)
class Proposal:
    """One thing that would be done.

    Args:
        kind: what.
        key: of the call that proposed it.
        turn: the turn that proposed it.
        conversation: where the customer was asked.
        appointment: the hold, or the appointment to be changed.
        service_id: what for.
        start_ms: when it would be; milliseconds since 1970.
        made_ms: when it was proposed.
        done: it was carried out.
    """

    kind: Kind
    key: str
    turn: str
    conversation: str
    appointment: str
    service_id: str
    start_ms: int
    made_ms: int
    done: bool = False

    @property
    def start(self) -> datetime:
        """When it would be."""
        return from_epoch_milliseconds(self.start_ms)

    def may_be_done(self, context: ToolContext) -> bool:
        """Whether the customer can have agreed to it.

        The turn that proposed it is an earlier one of this conversation, and its reply was sent: a turn may
        be discarded before the customer hears of it.
        """
        old = context.clock.now() - from_epoch_milliseconds(self.made_ms) > GOOD_FOR
        return self.turn in context.told_turns and self.turn != context.turn and not old


class Proposals:
    """Keeps them.

    Args:
        table: the calendars table.
        clock: time.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def of(self, context: ToolContext) -> tuple[Proposal, ...]:
        """A contact's, the newest last."""
        return self._read(context)[0]

    def add(self, context: ToolContext, new: Proposal) -> None:
        """Propose something; the same key again replaces itself.

        Raises:
            RetryLater: another turn wrote at the same time.
        """
        known, version = self._read(context)
        kept = [one for one in known if one.key != new.key]
        self._write(context, (*kept[-(MOST - 1) :], new), version)

    def drop_old(self, context: ToolContext, drop: Callable[[Proposal], None]) -> None:
        """End what was proposed in earlier turns.

        Args:
            context: to whom.
            drop: told of each; it must stand being told again.

        Raises:
            RetryLater: another turn wrote at the same time.
        """
        known, version = self._read(context)
        old = [one for one in known if one.turn != context.turn]
        for one in old:
            drop(one)
        if old:
            self._write(context, tuple(one for one in known if one not in old), version)

    def note_done(self, context: ToolContext, proposal: Proposal) -> None:
        """Note that a proposal was carried out, or came to nothing.

        Raises:
            RetryLater: another turn wrote at the same time.
        """
        known, version = self._read(context)
        if any(one.key == proposal.key and not one.done for one in known):
            marked = tuple(replace(one, done=True) if one.key == proposal.key else one for one in known)
            self._write(context, marked, version)

    def proposal(
        self, context: ToolContext, kind: Kind, appointment: str, service_id: str, start: datetime
    ) -> Proposal:
        """A proposal of this very call."""
        return Proposal(
            kind=kind,
            key=context.call_key,
            turn=context.turn,
            conversation=context.conversation,
            appointment=appointment,
            service_id=service_id,
            start_ms=epoch_milliseconds(start),
            made_ms=epoch_milliseconds(self._clock.now()),
        )

    def _read(self, context: ToolContext) -> tuple[tuple[Proposal, ...], int]:
        key = proposals_key(context.company_id, context.user_id)
        item = self._table.get(key, consistent=True)
        if item is None:
            return (), 0
        return tuple(Proposal(**known_fields(Proposal, one)) for one in item["proposals"]), item["version"]

    def _write(self, context: ToolContext, proposals: tuple[Proposal, ...], version: int) -> None:
        item = {
            **proposals_key(context.company_id, context.user_id).as_item(),
            "v": SCHEMA_VERSION,
            "version": version + 1,
            "proposals": [asdict(one) for one in proposals],
            "expires_at": int((self._clock.now() + 2 * GOOD_FOR).timestamp()),
        }
        try:
            if version:
                self._table.put(item, "version = :read", {":read": version})
            else:
                self._table.put(item, "attribute_not_exists(pk)")
        except ConditionFailed:
            raise RetryLater("another turn proposes something", reason="proposals_busy") from None
