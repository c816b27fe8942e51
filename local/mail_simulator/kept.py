"""The mails that arrived, and what a mail program makes of them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any, cast

from icalendar import Calendar

if TYPE_CHECKING:
    from email.message import EmailMessage, MIMEPart

JsonDict = dict[str, Any]
MOST_KEPT = 500


@dataclass(frozen=True)
class Mail:
    """One mail.

    Args:
        number: counted from one.
        via: the vendor that took it.
        sender: who handed it in.
        recipients: everybody who gets it, blind copies among them.
        raw: the message.
        extras: what went beside it: tags, custom data.
    """

    number: int
    via: str
    sender: str
    recipients: list[str]
    raw: bytes
    extras: JsonDict
    at: float = field(default_factory=time.time)

    @property
    def message(self) -> EmailMessage:
        """The message, read."""
        return message_from_bytes(self.raw, policy=default)

    def shown(self) -> JsonDict:
        """Everything about it in plain JSON."""
        message = self.message
        calendars = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
        return {
            "number": self.number,
            "via": self.via,
            "at": self.at,
            "sender": self.sender,
            "recipients": self.recipients,
            "extras": self.extras,
            "headers": [[name, str(value)] for name, value in message.items()],
            "subject": str(message["Subject"] or ""),
            "text": body(message, "plain"),
            "html": body(message, "html"),
            "files": [_file(part) for part in files(message)],
            **_invitation(calendars),
        }


def body(message: EmailMessage, kind: str) -> str | None:
    """The text or HTML body."""
    found = message.get_body((kind,))
    return str(found.get_content()) if found is not None else None


def files(message: EmailMessage) -> list[MIMEPart]:
    """Attached files and images of the HTML."""
    return [
        cast("MIMEPart", part)
        for part in message.walk()
        if part.get_content_disposition() in {"attachment", "inline"} and not part.is_multipart()
    ]


def _file(part: MIMEPart) -> JsonDict:
    content = cast("bytes", part.get_payload(decode=True))
    return {
        "name": part.get_filename(),
        "type": part.get_content_type(),
        "bytes": len(content),
        "content_id": str(part["Content-ID"] or "").strip("<>") or None,
    }


def _invitation(calendars: list[Any]) -> JsonDict:
    """The first invitation among a mail's parts, or why a mail program would make nothing of it."""
    if not calendars:
        return {"invitation": None}
    try:
        return {"invitation": invitation(calendars[0].get_content())}
    except (ValueError, KeyError, IndexError, AttributeError) as problem:
        return {"invitation": None, "problem": f"The invitation cannot be read: {problem}"}


def invitation(calendar: str | bytes) -> JsonDict:
    """What an iCalendar file says, in words."""
    read: Any = Calendar.from_ical(calendar)
    event: Any = read.walk("VEVENT")[0]
    people = event.get("attendee", [])
    named = people if isinstance(people, list) else [people]
    return {
        "method": str(read["method"]),
        "uid": str(event["uid"]),
        "sequence": int(event["sequence"]),
        "start": event["dtstart"].dt.isoformat(),
        "end": event["dtend"].dt.isoformat(),
        "summary": str(event["summary"]),
        "location": str(event.get("location", "")),
        "organizer": str(event["organizer"]).removeprefix("mailto:"),
        "attendees": [str(one).removeprefix("mailto:") for one in named],
    }


class Post:
    """Where mails arrive; shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mails: list[Mail] = []
        self._count = 0

    def keep(self, via: str, sender: str, recipients: list[str], raw: bytes, extras: JsonDict) -> Mail:
        """Take a mail."""
        with self._lock:
            self._count += 1
            mail = Mail(self._count, via, sender, recipients, raw, extras)
            self._mails = [*self._mails, mail][-MOST_KEPT:]
            return mail

    def all(self) -> list[Mail]:
        """Oldest first."""
        return list(self._mails)

    def one(self, number: int) -> Mail | None:
        """By its number."""
        return next((mail for mail in self._mails if mail.number == number), None)

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._mails = []
