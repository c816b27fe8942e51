"""A customer's messages in words: for the model, and for the history.

What an attachment turned out to say stands in it under ``heard``, written by
`shared.conversations.listening`: ``as`` is ``transcript`` (with ``text``), ``picture`` (shown to the model),
``unheard`` (a voice message that could not be understood), ``unseen`` (a picture that could not be opened),
``closed`` (something else that could not be opened) or ``skipped`` (one too many).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from shared.conversations.history import Entry
from shared.platform.clock import from_epoch_milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.conversations.incoming import IncomingMessage

UNHEARD = "[a voice message that could not be understood]"
STICKER = "sticker"
# What Chatwoot could not take over from the channel; no kind of attachment of its own.
UNSUPPORTED = "unsupported"
_KIND_WORDS = {
    "image": "a picture",
    "audio": "a voice message",
    "video": "a video",
    "file": "a file",
    "location": "a location",
    "contact": "a contact card",
    "fallback": "a link",
    "embed": "an embedded page",
    "share": "a shared post",
    "story_mention": "a mention in a story",
    "ig_story": "a story",
    "ig_reel": "a reel",
    "ig_post": "a post",
    UNSUPPORTED: "a message of a kind that this channel does not show",
}
_HEARD_WORDS = {
    "picture": "[a picture]",
    "unheard": UNHEARD,
    "unseen": "[a picture that could not be opened]",
}
_NOTES = {
    "transcript": "Voice messages of the customer stand here as a machine's transcript: names and numbers in "
    "them may be misheard.",
    "unheard": "A voice message could not be understood: ask kindly for words.",
    "unseen": "A picture could not be opened: do not guess what it shows, ask kindly for words.",
    "skipped": "The customer sent more pictures or voice messages than are opened at once: say that you have "
    "not opened all.",
}
_CLOSED = "Files, videos and links that the customer sent cannot be opened here; people of the company can."
_OPENED_BY_PEOPLE = {
    "file",
    "video",
    "fallback",
    "embed",
    "share",
    "story_mention",
    "ig_story",
    "ig_reel",
    "ig_post",
}
_MAX_NAME, _MAX_ADDRESS = 200, 500
_KILOBYTE, _MEGABYTE = 1024, 1024 * 1024


def described(message: IncomingMessage) -> str:
    """A message in words: its text, and what came with it."""
    words = [message.text] if message.text else []
    if message.content_type == STICKER:
        words.append("[a sticker]")
    else:
        words += [attachment_in_words(item) for item in message.attachments]
    if message.cut:
        words.append("[the text was longer and has been cut]")
    return " ".join(words) or "[an empty message]"


def attachment_in_words(item: Mapping[str, Any]) -> str:
    """An attachment in words, in brackets; a transcript's own words stand behind them."""
    heard = item.get("heard") or {}
    how, kind = heard.get("as"), str(item.get("file_type"))
    if how == "transcript":
        return f"[voice message, transcript] {heard['text']}"
    if how == "skipped":
        return f"[{_KIND_WORDS.get(kind, 'an attachment')} that was not opened]"
    if how in _HEARD_WORDS:
        return _HEARD_WORDS[how]
    details = ", ".join(_details(item, kind))
    return f"[{_KIND_WORDS.get(kind, 'an attachment')}{': ' if details else ''}{details}]"


def _details(item: Mapping[str, Any], kind: str) -> Iterator[str]:
    if kind == "location":
        yield from _place(item)
    elif kind == "contact":
        yield from _card(item)
    elif kind in {"fallback", "embed"}:
        yield from filter(
            None, (_line(item.get("fallback_title")), _line(item.get("data_url"), _MAX_ADDRESS))
        )
    elif kind in {"file", "video"}:
        yield from filter(
            None, (file_name(item), _line(item.get("content_type")), _size(item.get("file_size")))
        )


def _place(item: Mapping[str, Any]) -> Iterator[str]:
    if item.get("coordinates_lat") is not None and item.get("coordinates_long") is not None:
        yield f"latitude {item['coordinates_lat']}, longitude {item['coordinates_long']}"
    if _line(item.get("fallback_title")):
        yield _line(item["fallback_title"])


def _card(item: Mapping[str, Any]) -> Iterator[str]:
    meta = item.get("meta")
    names = [_line(meta.get(part)) for part in ("firstName", "lastName")] if isinstance(meta, dict) else []
    yield from filter(None, (" ".join(filter(None, names)), _line(item.get("fallback_title"))))


def file_name(item: Mapping[str, Any]) -> str:
    """A file's name out of its address; empty where it has none."""
    try:
        path = urlsplit(str(item.get("data_url") or "")).path
    except ValueError:
        return ""
    return _line(unquote(path.rsplit("/", 1)[-1]))


def _line(value: object, limit: int = _MAX_NAME) -> str:
    return " ".join(value.split())[:limit] if isinstance(value, str) else ""


def _size(value: object) -> str:
    if not isinstance(value, int) or value <= 0:
        return ""
    return f"{value / _MEGABYTE:.1f} MB" if value >= _MEGABYTE else f"{max(1, value // _KILOBYTE)} KB"


def notes_on(messages: Sequence[IncomingMessage]) -> tuple[str, ...]:
    """What the model must know about what came with the customer's words."""
    every = [item for message in messages for item in message.attachments]
    ways = {(item.get("heard") or {}).get("as") for item in every}
    notes = [note for way, note in _NOTES.items() if way in ways]
    if any(item.get("file_type") in _OPENED_BY_PEOPLE and not _is_open(item) for item in every):
        notes.append(_CLOSED)
    return tuple(notes)


def _is_open(item: Mapping[str, Any]) -> bool:
    return (item.get("heard") or {}).get("as") in {"transcript", "picture"}


def only_unheard(messages: Sequence[IncomingMessage]) -> bool:
    """Whether all there is are voice messages that could not be understood."""
    ways = {(item.get("heard") or {}).get("as") for message in messages for item in message.attachments}
    words = any(message.text.strip() or message.content_type == STICKER for message in messages)
    silent = any(not message.attachments for message in messages)
    return ways == {"unheard"} and not words and not silent


def customer_entries(messages: Sequence[IncomingMessage]) -> list[Entry]:
    """The history's entries for what the customer wrote."""
    return [
        Entry(
            message.contact,
            message.message_id,
            "customer",
            described(message),
            from_epoch_milliseconds(message.received_at_ms),
            message.key.conversation_id,
        )
        for message in messages
    ]
