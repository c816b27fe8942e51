"""What happens after Chatwoot's 200: the channel's provider takes the message or refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.chatwoot_simulator.records import Conversation, Inbox

# Lengths that the providers themselves enforce; Chatwoot's API enforces none of them.
_LIMITS = {
    "Channel::Whatsapp": (4096, "(#100) Param text['body'] must be at most 4096 characters long."),
    "Channel::TwilioSms": (1600, "The concatenated message body exceeds the 1600 character limit"),
    "Channel::Sms": (1600, "Message is too long"),
    "Channel::FacebookPage": (
        2000,
        "(#100) Length of param message[text] must be less than or equal to 2000",
    ),
    "Channel::Instagram": (1000, "(#100) Length of param message[text] must be less than or equal to 1000"),
    "Channel::Telegram": (4096, "400, Bad Request: message is too long"),
    "Channel::Line": (5000, "Length must be between 0 and 5000"),
}
# These show a message by themselves: no provider, no source id, no receipts.
OWN_CHANNELS = ("Channel::WebWidget", "Channel::Api")


def length(channel_type: str, text: str) -> int:
    """How long a provider finds a text: Instagram counts bytes, the others at most UTF-16 units."""
    if channel_type == "Channel::Instagram":
        return len(text.encode("utf-8", "replace"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def refusal(inbox: Inbox, conversation: Conversation, text: str) -> str | None:
    """The provider's error for this message, ``None`` when it takes it."""
    if inbox.provider_refuses:
        return inbox.provider_refuses
    if not conversation.can_reply and inbox.channel_type == "Channel::Whatsapp":
        return "Template not found or invalid template name"
    limit, error = _LIMITS.get(inbox.channel_type, (0, ""))
    return error if limit and length(inbox.channel_type, text) > limit else None


def new_source_id(channel_type: str, number: int) -> str:
    """A message's id at the provider."""
    return f"wamid.SIMULATED{number:08d}" if channel_type == "Channel::Whatsapp" else f"SM{number:032x}"
