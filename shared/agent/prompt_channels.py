"""What the model should know of each of Chatwoot's channels: its name and what formatting shows there.

The wire makes Markdown fit for the channel in any case (`shared.chatwoot.text`); this keeps the model from
writing what would be lost.
"""

from __future__ import annotations

_RICH = "Markdown is shown: bold, italics, lists and links."
_LIGHT = "Bold, italics and lists are shown; no tables, headings or images. Write links as plain addresses."
_PLAIN = "No formatting is shown: write plain text, lists as lines, links as plain addresses."

# Chatwoot's channel types. Twilio's carries SMS and WhatsApp, so it gets what both show.
_CHANNELS = {
    "Channel::WebWidget": ("the company's web chat", _RICH),
    "Channel::Api": ("chat", _RICH),
    "Channel::Email": ("e-mail", _RICH),
    "Channel::Whatsapp": ("WhatsApp", _LIGHT),
    "Channel::Telegram": ("Telegram", _LIGHT),
    "Channel::TwilioSms": ("WhatsApp or SMS", _PLAIN),
    "Channel::Sms": ("SMS", _PLAIN),
    "Channel::FacebookPage": ("Messenger", _PLAIN),
    "Channel::Instagram": ("Instagram", _PLAIN),
    "Channel::Line": ("LINE", _PLAIN),
    "Channel::Tiktok": ("TikTok", _PLAIN),
    "Channel::TwitterProfile": ("X", _PLAIN),
}


def describe_channel(channel_name: str, part_limit: int) -> str:
    """One line for the prompt.

    Args:
        channel_name: Chatwoot's channel type; one we do not know is taken as plain text.
        part_limit: how many characters one message may have there.
    """
    name, formatting = _CHANNELS.get(channel_name, ("chat", _PLAIN))
    return (
        f"Channel: {name}. One message holds at most {part_limit} characters; stay within one message where "
        f"you can. {formatting}"
    )
