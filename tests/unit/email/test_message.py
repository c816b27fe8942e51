"""What may be sent, and what is refused with words."""

from __future__ import annotations

import base64
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.email.message import MAX_INLINE_BYTES, NewEmail, Templated
from shared.email.words import TURNING, file_name, flattened, one_line
from shared.platform.errors import InvalidInput
from tests.fakes.mail import MailWorld
from tests.support.email import PLAIN, invitation

STORED = {"key": "company/sol/a", "version_id": "1", "sha256": "0" * 64, "size_bytes": 1}


def refusal(**fields: Any) -> str:  # noqa: ANN401 - fields of the message
    """The words with which a message is refused."""
    with pytest.raises(InvalidInput) as caught:
        NewEmail.parse({**PLAIN, **fields})
    return str(caught.value)


def file(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the attachment
    """A small attachment."""
    content = base64.b64encode(b"hola").decode()
    return {"name": "cita.pdf", "content_type": "application/pdf", "content": content, **fields}


def test_a_mailbox_may_be_an_address_alone() -> None:
    """Or an object with a name."""
    email = NewEmail.parse({**PLAIN, "cc": [{"address": "B@Cliente.example", "name": "Bea"}]})
    assert email.to[0].name is None
    assert (email.cc[0].address, email.cc[0].name) == ("B@cliente.example", "Bea")


@pytest.mark.parametrize(
    "inside", ["a\r\nBcc: eve@x.com", "a\nb", "a\rb", "a\0b", "a\u2028b", "a\x85b", "a\x1b[2J"]
)
@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("subject", lambda text: {"subject": text}),
        ("to[0].name", lambda text: {"to": [{"address": "a@x.com", "name": text}]}),
        ("cc[0].address", lambda text: {"cc": [f"{text}@x.com"]}),
        ("bcc[0].address", lambda text: {"bcc": [f"x@{text}.com"]}),
        ("reply_to.name", lambda text: {"reply_to": {"address": "a@x.com", "name": text}}),
        ("headers.References", lambda text: {"headers": {"References": text}}),
        ("headers", lambda text: {"headers": {text: "x"}}),
        ("tags[0]", lambda text: {"tags": [text]}),
        ("attachments[0].content_type", lambda text: {"attachments": [file(content_type=text)]}),
        (
            "attachments[0].content_id",
            lambda text: {"attachments": [file(content_type="image/png", content_id=text)]},
        ),
        (
            "invitation.uid",
            lambda text: {"invitation": {**invitation().model_dump(mode="json"), "uid": text}},
        ),
    ],
)
def test_no_field_of_a_header_can_hold_a_line_break(place: str, field: Any, inside: str) -> None:  # noqa: ANN401
    """Header injection (CWE-93) is refused by the field's name."""
    assert place in refusal(**field(inside))


@pytest.mark.parametrize("turning", sorted(TURNING))
def test_names_that_turn_the_direction_of_writing_are_refused(turning: str) -> None:
    """They make a text look like another."""
    assert "direction of writing" in refusal(subject=f"a{turning}b")


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"to": [f"a{n}@x.com" for n in range(10_000)]}, "to must have at most 50"),
        ({"cc": [f"a{n}@x.com" for n in range(50)]}, "at most 50 recipients, not 51"),
        ({"to": []}, "somebody to go to"),
        ({"cc": ["ANA@cliente.example"]}, "a recipient twice"),
        ({"html": None}, "a text or an html body"),
        ({"html": " \n"}, "a text or an html body"),
        ({"html": "x" * 30_000_000}, "html must have at most 300000 characters"),
        ({"text": "a\0"}, "text must not hold control characters"),
        ({"to": ["ana@localhost"]}, "to[0].address must be an e-mail address"),
        ({"to": ["ana@[127.0.0.1]"]}, "must be an e-mail address"),
        ({"headers": {"X-SMTPAPI": "{}"}}, "is none of the headers that may be set"),
        ({"headers": {"Bcc": "eve@x.com"}}, "is none of the headers that may be set"),
        ({"attachments": [file(content="%%%")]}, "must be base64"),
        ({"attachments": [file(content=None)]}, "either its content or where it is stored"),
        ({"attachments": [file(stored=STORED)]}, "either its content or where it is stored"),
        ({"attachments": [file(content_id="logo")]}, "must be an image"),
        ({"attachments": [file(content_type="multipart/mixed")]}, "must be the type of a file"),
        ({"attachments": [file(name="factura.pdf.EXE")]}, "mail providers refuse"),
        ({"attachments": [file(name="factura.ex\u202ee")]}, "mail providers refuse"),
        ({"attachments": [file(content_type="image/png", content_id="a")] * 2}, "same content_id twice"),
        (
            {"attachments": [file(content=base64.b64encode(bytes(MAX_INLINE_BYTES + 1)).decode())]},
            "at most 150000 bytes of files inside",
        ),
        (
            {"attachments": [file(content=None, stored=STORED | {"size_bytes": 20_000_000})] * 2},
            "at most 26214400 bytes of files",
        ),
        ({"from": "eve@x.com"}, "from is no field"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value,
)
def test_what_cannot_be_sent_is_refused_with_words(field: dict[str, Any], words: str) -> None:
    """Before anything is kept."""
    assert words in refusal(**field)


@pytest.mark.parametrize(
    ("attachments", "words"), [([], "shorten its texts"), ([file()], "store its files instead")]
)
def test_what_is_too_large_to_keep_is_refused_with_what_helps(
    attachments: list[dict[str, Any]], words: str
) -> None:
    """Each body is small enough for itself, both together are not."""
    bodies = {"text": "á" * 100_000, "html": "á" * 100_000}
    email = NewEmail.parse({**PLAIN, **bodies, "attachments": attachments})
    with pytest.raises(InvalidInput, match=words):
        MailWorld().outbox.enqueue("sol", email, key="k")


def test_words_do_not_repeat_an_address() -> None:
    """It is personal, and errors are logged."""
    assert "eve" not in refusal(to=["eve eve@x.com"])


def test_a_message_survives_being_kept() -> None:
    """What is written down as JSON is read back the same."""
    email = NewEmail.parse(
        {**PLAIN, "attachments": [file()], "invitation": invitation().model_dump(mode="json")}
    )
    assert NewEmail.parse(email.model_dump(mode="json")) == email


def test_a_template_gets_its_words_when_it_is_filled() -> None:
    """Everything else stays."""
    asked = Templated.parse(
        {"to": ["a@x.com"], "tags": ["t"], "template": "x", "language": "es", "values": {"a": 1}}
    )
    filled = asked.filled("Asunto", "<p>Hola</p>", "Hola")
    assert (filled.subject, filled.to, filled.tags) == ("Asunto", asked.to, ["t"])


def test_words_that_make_no_message_are_refused_as_such() -> None:
    """A worker that meets them gives the e-mail up; an unknown error would come again and again."""
    asked = Templated.parse({"to": ["a@x.com"], "template": "x", "language": "es", "values": {}})
    with pytest.raises(InvalidInput, match="html must not hold control characters"):
        asked.filled("Asunto", "<p>\x00</p>", "Hola")


def test_a_name_of_the_callers_own_making_is_repeated_only_if_it_is_harmless() -> None:
    """Errors are shown on screens, and logged."""
    assert "headers.X-Mine is none" in refusal(headers={"X-Mine": "1"})
    assert "headers.… is none" in refusal(headers={"X\r\nBcc: eve@x.com": "1"})
    assert "headers.… is none" in refusal(headers={"X" * 100: "1"})


def test_values_of_a_template_are_bounded() -> None:
    """They are kept with the message."""
    with pytest.raises(InvalidInput, match="values must have at most 50000 bytes"):
        Templated.parse({"to": ["a@x.com"], "template": "x", "language": "es", "values": {"a": "x" * 50_000}})


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\cita.pdf", "cita.pdf"),
        ("factura\u202efdp.exe", "facturafdp.exe"),
        ("a\r\nb.pdf", "ab.pdf"),
        ('a"b<c>.pdf', "a_b_c_.pdf"),
        ("con.txt", "_con.txt"),
        (" ... ", "attachment"),
        ("\u3000.\u00a0", "attachment"),
        ("=?utf-8?q?a=0D=0Ab?=.pdf", "=_utf-8_q_a=0D=0Ab_=.pdf"),
        ("e\u0301.pdf", "é.pdf"),
        ("ñ" * 200 + ".pdf", "ñ" * 73 + ".pdf"),
    ],
)
def test_file_names_are_only_names(given_name: str, safe: str) -> None:
    """No path, nothing invisible, nothing reserved."""
    assert file_name(given_name) == safe


@given(st.text())
def test_any_file_name_becomes_a_safe_one(name: str) -> None:
    """Whatever comes."""
    safe = file_name(name)
    assert 0 < len(safe.encode()) <= 150
    assert not any(unicodedata.category(c).startswith("C") or c in '/\\:"<>|?*' for c in safe)
    assert file_name(safe) == safe


@given(st.text() | st.text("=?\u202a b"), st.integers(2, 80))
def test_any_text_becomes_one_line(text: str, longest: int) -> None:
    """For subjects that hold values."""
    line = flattened(text, longest)
    assert len(line) <= longest
    assert line.splitlines() in ([], [line])
    assert not TURNING.intersection(line)
    assert one_line(line) == line
    assert "=?" not in line
