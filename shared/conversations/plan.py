"""What a turn has decided to do, written down before any of it is done."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DONE = " Before that it did: {tools}."


class Outcome(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    HANDED_OVER = "handed_over"
    SILENT = "silent"  # the desk may not speak here now
    SHADOW = "shadow"  # decided, recorded, not sent: the company only watches
    DISCARDED = "discarded"  # the customer went on writing before anything was said: one turn answers all
    DELETED = "deleted"  # the customer took every message back
    REMINDED = "reminded"  # nobody had asked: an appointment is near
    GIVEN_UP = "given_up"  # a person is told by way of the dead letters


@dataclass(frozen=True)
class Part:
    """One message to post: a part of the reply, or a private note for the people at the desk."""

    text: str
    private: bool = False
    template: Mapping[str, Any] | None = None  # the channel's own template, where free text is not allowed


@dataclass(frozen=True)
class Plan:
    """Everything a turn will do in Chatwoot: public parts in order, then the status, then private notes.

    Args:
        outcome: how the turn will have ended.
        parts: what is posted.
        status: the status that a hand-over sets; empty for none.
        reason: why the conversation is handed over, or why the desk is silent.
        agent: which agent answered.
        note_first: people are told before the customer, and no step that fails stops the others: for
            what is done after giving up.
        reminder: the reminder that this is, as plain values (`shared.reminders.rows.Reminder`).
        cause: what led to a hand-over (`shared.conversations.causes.Cause`).
        notice: the e-mail that staff is owed once this is done, as plain values
            (`shared.conversations.staff_mail`); ``None`` for none.
    """

    outcome: Outcome
    parts: tuple[Part, ...] = ()
    status: str = ""
    reason: str = ""
    agent: str = ""
    note_first: bool = False
    reminder: Mapping[str, Any] | None = None
    cause: str = ""
    notice: Mapping[str, str] | None = None

    def as_plain(self) -> dict[str, Any]:
        """Plain values for the ledger."""
        return asdict(self) | {"outcome": str(self.outcome), "parts": [asdict(part) for part in self.parts]}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Plan:
        """Read what `as_plain` wrote; fields added later have their defaults."""
        parts = tuple(Part(part["text"], part["private"], part.get("template")) for part in data["parts"])
        return cls(
            Outcome(data["outcome"]),
            parts,
            data.get("status", ""),
            data.get("reason", ""),
            data.get("agent", ""),
            data.get("note_first", False),
            data.get("reminder"),
            data.get("cause", ""),
            data.get("notice"),
        )


def with_done(plan: Plan, tools: Sequence[str]) -> Plan:
    """The same plan, whose notes also tell people what the desk has done.

    Args:
        plan: a hand-over, or another plan, which stays as it is.
        tools: the names of those that acted.
    """
    if not tools or plan.outcome is not Outcome.HANDED_OVER:
        return plan
    done = _DONE.format(tools=", ".join(tools))
    parts = tuple(replace(part, text=part.text + done) if part.private else part for part in plan.parts)
    return replace(plan, parts=parts)
