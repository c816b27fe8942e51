"""What a look at a dead letter says, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.conversations.dead_letter_records import LetterRecord
    from shared.conversations.incoming import IncomingMessage


class Fate(StrEnum):
    """What has become of one message of a dead letter."""

    GIVEN_UP = "given_up"  # nobody answered it: it is put back
    WAITING = "waiting"  # unanswered and without a timer: it is put back as well
    COVERED = "covered"  # a turn has dealt with it
    DELETED = "deleted"  # the customer took it back
    GONE = "gone"  # its text is not kept any more


@dataclass(frozen=True)
class LetterMessage:
    """One message of a dead letter.

    Args:
        message_id: Chatwoot's id.
        fate: what has become of it.
        turn: the turn that dealt with it, or gave it up; 0 for none.
        outcome: how that turn ended.
        message: the message itself, where it is put back.
        replays: how often it was put back before.
        stored: whether it stands in the inbox.
    """

    message_id: int
    fate: Fate
    turn: int = 0
    outcome: str = ""
    message: IncomingMessage | None = None
    replays: int = 0
    stored: bool = True


@dataclass(frozen=True)
class Gate:
    """One thing that stops a replay: a slug, a sentence, and whether ``force`` goes on all the same."""

    gate: str
    detail: str
    forcible: bool


@dataclass(frozen=True)
class Since:
    """What has happened in the conversation since the letter's newest message.

    Args:
        status: the conversation's status, as fresh as known.
        customer_messages: how many newer messages of the customer there are.
        person_wrote: whether a person wrote publicly.
        last_turn: the ledger's newest turn.
        last_outcome: how it ended.
        newest_message_id: the newest message that anybody knows of.
    """

    status: str
    customer_messages: int
    person_wrote: bool
    last_turn: int
    last_outcome: str
    newest_message_id: int


@dataclass(frozen=True)
class Preview:
    """What a replay would do.

    Args:
        letter: the record.
        messages: its messages, in order.
        gates: what stops it.
        since: what has happened since.
        status_to_set: the status that a forced replay sets first; empty for none.
        gives_back: whether a forced replay ends a person's pause first.
    """

    letter: LetterRecord
    messages: tuple[LetterMessage, ...]
    gates: tuple[Gate, ...]
    since: Since
    status_to_set: str
    gives_back: bool

    @property
    def put_back(self) -> list[LetterMessage]:
        """The messages that go into the queue again."""
        return [one for one in self.messages if one.message is not None]

    def would(self, *, force: bool) -> str:
        """``nothing``, ``refuse`` or ``replay``."""
        if not self.put_back:
            return "nothing"
        stopped = any(not (force and gate.forcible) for gate in self.gates)
        return "refuse" if stopped else "replay"
