"""Messages whose content comes later than their event.

Chatwoot makes Facebook's and Instagram's messages before their attachments, and for most kinds no other event
follows: such a message is looked up again. What a channel does not show, it says there as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.conversations.describing import STICKER, UNSUPPORTED
from shared.conversations.incoming import with_content
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import FrontdeskError
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.chatwoot.client import ChatwootClient
    from shared.chatwoot.results import ApiMessage
    from shared.conversations.incoming import IncomingMessage
    from shared.platform.clock import Clock, Deadline

# How old a message is when it is looked up: once, and once more.
LOOK_AT_AGE_SECONDS = (3.0, 6.0)
_LOOK_SECONDS = 5.0


def is_empty(message: IncomingMessage) -> bool:
    """Whether an event told nothing of what a message holds."""
    return not (message.text or message.attachments or message.content_type == STICKER)


def completed(
    message: IncomingMessage,
    chatwoot: ChatwootClient,
    clock: Clock,
    *,
    renew: Callable[[], None],
    deadline: Deadline,
) -> IncomingMessage | None:
    """An empty message with the content that Chatwoot shows by now, ``None`` where it shows none.

    Args:
        message: an empty one.
        chatwoot: the account; needs a user token.
        clock: waits until the message is a few seconds old.
        renew: renews the lease before each call; may raise.
        deadline: when it must be over.
    """
    for age_seconds in LOOK_AT_AGE_SECONDS:
        age = (epoch_milliseconds(clock.now()) - message.received_at_ms) / 1000
        clock.sleep(deadline.within(max(0.0, age_seconds - age)))
        renew()
        found = _look_up(message, chatwoot, deadline)
        whole = None if found is None else _with(message, found)
        if whole is not None:
            count("MessagesCompleted")
            return whole
    log.info("a message stays empty", message_id=message.message_id)
    return None


def _look_up(message: IncomingMessage, chatwoot: ChatwootClient, deadline: Deadline) -> ApiMessage | None:
    try:
        listed = chatwoot.messages(
            message.key.conversation_id,
            after=message.message_id,
            before=message.message_id + 1,
            timeout_seconds=deadline.within(_LOOK_SECONDS),
        )
    except FrontdeskError as unknown:
        log.warning("an empty message could not be looked up", reason=unknown.reason)
        return None
    return next((one for one in listed if one.id == message.message_id), None)


def _with(message: IncomingMessage, found: ApiMessage) -> IncomingMessage | None:
    attachments = found.shown.get("attachments")
    if found.content_attributes.get("is_unsupported") is True:
        attachments = [{"file_type": UNSUPPORTED}]
    whole = with_content(message, found.content or "", attachments)
    return None if is_empty(whole) else whole
