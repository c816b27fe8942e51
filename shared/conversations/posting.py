"""Posting messages once, over an API without idempotency keys.

A part is written down as POSTING with a marker before it is posted, and the marker goes along in the
message's ``content_attributes``. Where the answer is lost, the part is *perhaps* there: it is looked for by
its marker, in what came back to the door and in Chatwoot's list, until it is found or until two look-ups, the
last two minutes after posting, agree that it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.chatwoot.errors import MessageNotStored, MessageRefused
from shared.chatwoot.events import MARKER_KEY, marker_in
from shared.chatwoot.text.liquid import stored_as_sent
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import AnswerLost, FrontdeskError, GiveUp, RequestNotSent
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.chatwoot.client import ChatwootClient
    from shared.chatwoot.results import ApiMessage, PostedMessage
    from shared.companies.connection import ChatwootConnection
    from shared.conversations.desk import Desk
    from shared.conversations.ledger import Ledger
    from shared.conversations.plan import Part
    from shared.platform.clock import Deadline
    from shared.platform.tables import Item

# Seconds after posting at which a part that is perhaps there is looked for.
LOOK_AFTER_SECONDS = (3.0, 10.0, 30.0, 60.0, 120.0)
SETTLED_AFTER_SECONDS = LOOK_AFTER_SECONDS[-1]
_LOOK_AGAIN_SECONDS = 3.0
_LOOKS_THAT_MUST_AGREE = 2

_MAX_TURN_DIGITS = 10
_PAGE = 100

POSTING, SENT, NOT_SENT, FAILED = "POSTING", "SENT", "NOT_SENT", "FAILED"


class Unsettled(FrontdeskError):
    """A message is perhaps there; look again after a while. This is no failed attempt.

    Args:
        after_seconds: when to look again.
    """

    default_reason = "unsettled"

    def __init__(self, after_seconds: float) -> None:
        super().__init__("a message is perhaps stored, it has to be looked for")
        self.after_seconds = after_seconds


@dataclass(frozen=True)
class Sent:
    """A part that Chatwoot has: its id there and its text."""

    message_id: int
    part: Part


class Poster:
    """Posts the parts of one turn.

    Args:
        desk: the tools of a turn.
        ledger: the conversation's, with an open turn.
        chatwoot: the company's account.
        connection: whose messages are ours: a marker pasted by somebody else proves nothing.
        renew: renews the lease before each post; may raise.
        deadline: the turn's end.
        after_message_id: our messages are newer than this one: where look-ups begin.
    """

    def __init__(
        self,
        desk: Desk,
        ledger: Ledger,
        chatwoot: ChatwootClient,
        connection: ChatwootConnection,
        *,
        renew: Callable[[], None],
        deadline: Deadline,
        after_message_id: int,
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._chatwoot = chatwoot
        self._connection = connection
        self._renew = renew
        self._deadline = deadline
        self._after_message_id = after_message_id

    def settled(self, name: str, part: Part, entry: Item | None) -> Sent | None:
        """What is known of a part: that it is there, or ``None`` when it may be posted.

        Raises:
            Unsettled: it is perhaps there.
            MessageNotStored: it is certainly not there by now; the next attempt may post it.
            GiveUp: it is perhaps there and nothing can tell.
        """
        if entry is None or entry["state"] == NOT_SENT:
            return None
        if entry["state"] in {
            SENT,
            FAILED,
        }:  # what failed at its channel stands in Chatwoot: it is never repeated
            return Sent(entry["message_id"], part)
        found = self._look_for(entry["marker"], entry.get("after", self._after_message_id))
        if found:
            count("PartsPerhaps", verdict="found")
            self._ledger.note_certain(name, {"state": SENT, "message_id": found}, marker=entry["marker"])
            return Sent(found, part)
        raise self._verdict(name, entry, found)

    def _verdict(self, name: str, entry: Item, found: int | None) -> FrontdeskError:
        """What to make of a part that was not found."""
        age_seconds = (epoch_milliseconds(self._desk.clock.now()) - entry["posted_at_ms"]) / 1000
        absent = entry.get("absent", 0) + (1 if found == 0 else 0)
        if age_seconds < SETTLED_AFTER_SECONDS:
            self._ledger.change(name, {"absent": absent})
            return Unsettled(min(at for at in LOOK_AFTER_SECONDS if at > age_seconds) - age_seconds)
        if found is None:
            count("PartsPerhaps", verdict="cannot_tell")
            return GiveUp("a message is perhaps stored and nothing can tell", reason="cannot_tell")
        if absent < _LOOKS_THAT_MUST_AGREE:
            self._ledger.change(name, {"absent": absent})
            return Unsettled(_LOOK_AGAIN_SECONDS)
        count("PartsPerhaps", verdict="absent")
        # Posting it again is an attempt like any other, within the company's patience.
        self._ledger.change(name, {"state": NOT_SENT}, unless_state=SENT)
        return MessageNotStored("the message is not there, it was never stored", reason="absent")

    def _look_for(self, marker: str, after: int) -> int | None:
        """The id of the message with this marker; 0 when it is not there; ``None`` when nothing can tell."""
        receipt = self._ledger.own.receipt(marker)
        if receipt is not None:
            return receipt
        try:
            for message in self._messages_after(after):
                if marker_in(message.content_attributes) == marker and is_ours(message, self._connection):
                    return message.id
        except FrontdeskError as unknown:
            log.warning("a message cannot be looked for", reason=unknown.reason)
            return None
        return 0

    def _messages_after(self, after: int) -> Iterator[ApiMessage]:
        """Every newer message, page by page: Chatwoot lists a hundred at a time."""
        while True:
            page = self._chatwoot.messages(
                self._ledger.key.conversation_id,
                after=after,
                timeout_seconds=self._deadline.remaining_seconds(),
            )
            yield from page
            newest = max((message.id for message in page), default=after)
            if newest <= after or len(page) < _PAGE:
                return
            after = newest

    def post(self, name: str, part: Part, entry: Item | None) -> Sent:
        """Post a part that is certainly not there.

        Raises:
            Unsettled: it is perhaps there now.
            RetryLater: it is certainly not there, another try may work.
            GiveUp: it is certainly not there, and no try helps.
            FenceLost: somebody took the conversation up after us; nothing was posted.
        """
        # A part keeps its marker: should a request that was given up land after all, both copies carry it.
        marker = entry["marker"] if entry else f"{self._ledger.head.turn}-{self._desk.new_id()}"
        attributes = {
            "state": POSTING,
            "marker": marker,
            "posted_at_ms": epoch_milliseconds(self._desk.clock.now()),
            "absent": 0,
            "after": self._after_message_id,
        }
        self._renew()
        if entry is None:
            self._ledger.write(name, attributes)
        else:
            self._ledger.change(name, attributes, unless_state=SENT)
        posted = self._post(name, part, marker)
        self._ledger.note_certain(name, {"state": SENT, "message_id": posted.id}, marker=marker)
        self._look_at(posted, part, marker)
        return Sent(posted.id, part)

    def _look_at(self, posted: PostedMessage, part: Part, marker: str) -> None:
        """Compare what Chatwoot stored with what was sent: it runs templates, and proxies drop fields."""
        if marker_in(posted.content_attributes) != marker:
            count("MarkersLost")
            log.error("Chatwoot did not give our marker back: our messages are known by sender and id")
            self._ledger.own.note(posted.id)
            self._desk.companies.marker_lost(self._ledger.key.company_id)
        if not stored_as_sent(part.text, posted.content):
            count("PartsChangedByChatwoot")
            log.warning("Chatwoot stored another text than was sent")

    def _post(self, name: str, part: Part, marker: str) -> PostedMessage:
        try:
            return self._chatwoot.post_message(
                self._ledger.key.conversation_id,
                part.text,
                private=part.private,
                content_attributes={MARKER_KEY: {"marker": marker}},
                template_params=dict(part.template) if part.template else None,
                timeout_seconds=self._deadline.remaining_seconds(),
            )
        except (RequestNotSent, MessageNotStored, MessageRefused):
            self._ledger.note_certain(name, {"state": NOT_SENT}, marker=marker)
            raise
        except AnswerLost as lost:
            count("PartsPerhaps", verdict="perhaps")
            log.warning("the answer to a post was lost", reason=lost.reason)
            raise Unsettled(LOOK_AFTER_SECONDS[0]) from lost


def turn_of(marker: str) -> int:
    """The turn that a marker of ours belongs to; 0 for a text that is none."""
    number = marker.split("-", 1)[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < _MAX_TURN_DIGITS else 0


def is_ours(message: ApiMessage, connection: ChatwootConnection) -> bool:
    """Whether our own user or bot posted a message."""
    if message.sender_type == "agent_bot":
        return connection.bot_id in {None, message.sender_id}
    if message.sender_type == "user":
        return connection.user_id in {None, message.sender_id}
    return False
