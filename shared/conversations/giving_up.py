"""When a turn fails for good: its case goes to the dead letters, and its messages count as done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from shared.conversations.incoming import IncomingMessage
from shared.conversations.keys import SCHEMA_VERSION, ConversationKey

if TYPE_CHECKING:
    from collections.abc import Mapping

CASE_KIND = "given_up"


@dataclass(frozen=True)
class DeadLetter:
    """A case that a person must take on.

    Args:
        key: the conversation.
        turn: the turn that was given up; 0 for a message that SQS itself moved after many crashes.
        reason: a slug, such as ``model_timeout``.
        message_ids: what nobody has answered.
        about: the newest of those messages.
        at_ms: when it was given up (milliseconds since 1970, UTC).
        told: whether the customer has already read that a person will go on.
    """

    key: ConversationKey
    turn: int
    reason: str
    message_ids: tuple[int, ...]
    about: IncomingMessage
    at_ms: int
    told: bool = False

    @property
    def identity(self) -> str:
        """The case's business key: the same case arriving twice is one."""
        newest = max(self.message_ids, default=self.about.message_id)
        return f"{self.key.group_id}:dead:{newest}"

    def as_plain(self) -> dict[str, Any]:
        """Plain values for queue and table."""
        return {"v": SCHEMA_VERSION, "kind": CASE_KIND, **asdict(self)}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> DeadLetter:
        """Read what `as_plain` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            return cls(
                ConversationKey.from_plain(data["key"]),
                data["turn"],
                data["reason"],
                tuple(data["message_ids"]),
                IncomingMessage.from_plain(data["about"]),
                data["at_ms"],
                data.get("told", False),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not a dead letter") from error
