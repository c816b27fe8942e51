"""A message as bytes, read again as mail programs read it."""

from __future__ import annotations

import base64
import quopri
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from shared.email import mime_parts
from shared.email.invitations import Invitation, ics
from shared.email.message import NewEmail
from shared.email.mime import mime_bytes
from shared.email.rendered import Rendered, Sender, render
from shared.email.words import one_line
from shared.platform.errors import InvalidInput
from tests.support.email import NOON, PLAIN, SENDER, invitation, rendered

if TYPE_CHECKING:
    from email.message import EmailMessage

IMAGE = {"name": "logo.png", "content_type": "image/png", "content": "aG9sYQ==", "content_id": "logo"}
SHEET = {
    "name": "citas año.csv",
    "content_type": "text/csv",
    "content": base64.b64encode(b"a\nb\r\n").decode(),
}


def is_one_line(text: str) -> bool:
    """Whether a header may hold it."""
    try:
        return bool(one_line(text).strip())
    except ValueError:
        return False


def read(message: Rendered) -> EmailMessage:
    """The message as a mail program sees it."""
    return message_from_bytes(mime_bytes(message), policy=default)


def test_the_bytes_are_the_same_for_every_try() -> None:
    """So is the Message-ID, by which a repetition is recognised."""
    message = rendered(invitation=invitation().model_dump(mode="json"), attachments=[IMAGE, SHEET])
    assert mime_bytes(message) == mime_bytes(message)
    assert read(message)["Message-ID"] == "<em_1@clinica-sol.example>"


def test_parts_stand_where_mail_programs_look_for_them() -> None:
    """Text, HTML with its image, the invitation as an alternative, and files behind."""
    html = "<img src='cid:logo' alt='Sol'>"
    message = read(
        rendered(html=html, attachments=[IMAGE, SHEET], invitation=invitation().model_dump(mode="json"))
    )
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/calendar",
        "text/csv",
        "application/ics",
    ]
    calendar = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    assert calendar.get_param("method") == "REQUEST"
    (related,) = (part for part in message.walk() if part.get_content_type() == "multipart/related")
    assert related["Content-Type"].params["type"] == "text/html"


@pytest.mark.parametrize("end", [" ", "\t", "  ", " \t", "=", "ñ", ".", ""])
@pytest.mark.parametrize("length", range(70, 81))
def test_a_line_of_a_text_is_never_too_long(length: int, end: str) -> None:
    """At most 76 characters, whatever a line ends in (RFC 2045 section 6.7); and it says the same."""
    text = "\n".join(["a" * length + end, "b" * length + end])
    piece = mime_parts.words("plain", text)
    assert max(map(len, piece.body.split(b"\r\n"))) <= 76
    assert quopri.decodestring(piece.body).decode() == text.replace("\n", "\r\n") + "\r\n"


@given(st.text(alphabet="a= \t\nñ.", max_size=400))
def test_any_text_becomes_short_lines(text: str) -> None:
    """That are read as they were written, but for the line ends."""
    piece = mime_parts.words("plain", text)
    assert max(map(len, piece.body.split(b"\r\n"))) <= 76
    assert quopri.decodestring(piece.body).decode() == text.removesuffix("\n").replace("\n", "\r\n") + "\r\n"


def test_files_arrive_as_they_were() -> None:
    """Also texts, whose line ends belong to them, under names with any letters."""
    attached = list(read(rendered(attachments=[SHEET])).iter_attachments())
    assert [(one.get_filename(), one.get_payload(decode=True)) for one in attached] == [
        ("citas año.csv", b"a\nb\r\n")
    ]


def test_blind_copies_are_told_to_nobody() -> None:
    """They get it; the others do not learn that."""
    message = rendered(bcc=["jefe@clinica-sol.example"])
    assert "jefe@clinica-sol.example" in [one.address for one in message.recipients]
    assert b"jefe" not in mime_bytes(message)


def test_domains_travel_in_ascii() -> None:
    """IDNA 2008; a local part with other letters needs SMTPUTF8 and says so."""
    plain = rendered(to=["ana@münchen.example"])
    assert b"ana@xn--mnchen-3ya.example" in mime_bytes(plain)
    assert mime_bytes(plain).isascii()
    assert not plain.needs_smtputf8
    wide = rendered(to=["josé@münchen.example"])
    assert wide.needs_smtputf8
    assert "josé@xn--mnchen-3ya.example".encode() in mime_bytes(wide)


@given(
    subject=st.text(max_size=300, min_size=1).filter(is_one_line),
    name=st.text(max_size=150, min_size=1).filter(is_one_line),
    text=st.text(
        alphabet=st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t"), min_size=1
    ),
)
def test_whatever_is_written_stays_in_its_place(subject: str, name: str, text: str) -> None:
    """No subject, name or text makes a header, a recipient or a part of its own."""
    message = rendered(
        subject=subject, to=[{"address": "ana@cliente.example", "name": name}], text=f".{text}"
    )
    written = mime_bytes(message)
    again = message_from_bytes(written, policy=default)
    assert [(one.addr_spec) for one in again["To"].addresses] == ["ana@cliente.example"]
    assert set(again.keys()) == {
        "Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert [part.get_content_type() for part in again.walk()][1:] == ["text/plain", "text/html"]
    assert written.isascii()
    assert max(len(line) for line in written.split(b"\r\n")) <= 998
    assert b"\n" not in written.replace(b"\r\n", b"")


@pytest.mark.parametrize("email_id", ["", "a b", "a>", "a\r\n", "a" * 65, "a..b", "é"])
def test_an_id_that_cannot_stand_in_a_message_id_is_refused(email_id: str) -> None:
    """Before it becomes a header."""
    with pytest.raises(InvalidInput):
        render(email_id, "sol", NewEmail.parse(PLAIN), sender=Sender(SENDER), created_at=NOON, files=None)


def test_an_invitation_is_moved_and_cancelled_under_the_same_uid() -> None:
    """Each time with a higher sequence: calendars ignore the others (RFC 5546 section 2.1.4)."""
    first = invitation()
    moved = first.moved(NOON + timedelta(days=1), NOON + timedelta(days=1, minutes=30), NOON)
    cancelled = moved.cancelled(NOON + timedelta(hours=1))
    events: list[Any] = [Calendar.from_ical(ics(one)) for one in (first, moved, cancelled)]
    told = [(c["method"], e["uid"], e["sequence"], e["status"]) for c in events for e in c.walk("VEVENT")]
    assert told == [
        ("REQUEST", "apt_1@clinica-sol.example", 0, "CONFIRMED"),
        ("REQUEST", "apt_1@clinica-sol.example", 1, "CONFIRMED"),
        ("CANCEL", "apt_1@clinica-sol.example", 2, "CANCELLED"),
    ]
    assert events[1].walk("VEVENT")[0]["dtstart"].dt == NOON + timedelta(days=1)


def test_an_invitations_lines_are_folded_and_end_as_they_should() -> None:
    """At most 75 bytes and CRLF (RFC 5545 section 3.1), whatever the texts hold."""
    long = invitation().model_copy(update={"summary": "ñ,;\\" * 40, "description": "uno\nBEGIN:VEVENT\ndos"})
    lines = ics(long).split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert sum(line == b"BEGIN:VEVENT" for line in lines) == 1
    event: Any = Calendar.from_ical(ics(long)).walk("VEVENT")[0]
    assert (str(event["summary"]), str(event["description"])) == (long.summary, long.description)


def test_an_invitation_names_people_and_nothing_else() -> None:
    """No name, address or text begins a line, a parameter or a mailto header of its own."""
    person = {"address": "a?cc=eve@x.com", "name": 'Ana"; CN=Eve^n, S.L.'}
    asked = {
        **invitation().model_dump(mode="json"),
        "organizer": person,
        "description": "uno\u2028ATTENDEE:x",
    }
    written = ics(Invitation.parse(asked))
    assert len(written.decode().splitlines()) == written.count(b"\r\n")
    event: Any = Calendar.from_ical(written).walk("VEVENT")[0]
    assert str(event["organizer"]) == "mailto:a%3Fcc=eve@x.com"
    assert event["organizer"].params["cn"] == "Ana'; CN=Eve^n, S.L."
    assert event["attendee"] == "mailto:ana@cliente.example"


def test_the_text_is_made_from_the_html() -> None:
    """With links, lists, images' texts and table rows; without what nobody sees."""
    html = (
        "<html><head><title>no</title><style>p{}</style></head><body><div style='display: none'>no</div>"
        "<h1>Tu  cita</h1><p>Hola<br>Ana &amp; Bea</p><ul><li>uno<li>dos</ul>"
        "<table><tr><td>Día</td><td>martes</td></tr><tr><td>Hora</td><td>12:00</td></tr></table>"
        "<a href='https://x.example/a'>Ver</a> <a href='mailto:a@x.com'>a@x.com</a><img alt='Sol'></html>"
    )
    assert rendered(html=html).text == (
        "Tu cita\n\nHola\nAna & Bea\n\n- uno\n- dos\n\nDía martes\nHora 12:00\n\n"
        "Ver (https://x.example/a) a@x.com Sol\n"
    )
