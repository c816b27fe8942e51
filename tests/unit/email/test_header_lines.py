"""What is written above a message, read again as other programs read it."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32, default
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.email.addresses import Mailbox, wire
from shared.email.header_lines import Header, block, people, raw, text, typed
from shared.email.message import ALLOWED_HEADERS, NewEmail
from shared.email.mime import mime_bytes
from shared.email.rendered import Rendered, Sender, render
from shared.platform.errors import InvalidInput
from tests.support.email import PLAIN, SENDER, rendered

if TYPE_CHECKING:
    from email.message import Message

ALWAYS = ["Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
# Pieces of which hostile texts are made: encoded words, whole and broken, and what has a meaning in headers.
PIECES = [
    "=?utf-8?q?", "=?utf-8?b?", "?=", "=?", "=0D=0A", "=40", "=?utf-8?q?=FF?=", "=?utf-8?q??=",
    "=?utf-16?b?/wA=?=", " ", "  ", ",", ";", "<", ">", "(", ")", '"', "\\", "@", "é", "日", "😀", "a",
    "B" * 30, "ñ" * 20, ".", ":", "'", "\u00a0", "\u200d", "\u0301", "%", "[", "]", "\u3000", "\r\n", "\t",
    "\u2028",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join) | st.text(min_size=1)
VALUES = st.lists(st.sampled_from([one for one in PIECES if one.isascii()]), min_size=1).map("".join)
LOCAL_PARTS = st.text("abc!#$%&'*+/=?^_`{|}~-.é日", min_size=1, max_size=20)


def accepted(**fields: Any) -> Rendered:  # noqa: ANN401 - fields of the message
    """A message ready to go; Hypothesis tries another one where it is refused."""
    try:
        return rendered(**fields)
    except InvalidInput:
        assume(False)  # noqa: FBT003 - Hypothesis's own
        raise


def shown(value: object) -> str:
    """A header's text as RFC 2047 has it."""
    return str(make_header(decode_header(str(value).replace("\r\n", ""))))


def mailboxes(header: object) -> list[tuple[str, str]]:
    """A header's mailboxes, the names decoded after they were told apart from the addresses."""
    return [(shown(name), address) for name, address in getaddresses([str(header).replace("\r\n", "")])]


def header_of(written: bytes) -> bytes:
    """What stands above the message."""
    return written.partition(b"\r\n\r\n")[0]


def require_well_formed(written: bytes) -> None:
    """Every line of a message ends as it should, and none is too long."""
    assert max(len(line) for line in written.split(b"\r\n")) <= 998
    assert not set(b"\r\n") & set(written.replace(b"\r\n", b""))


@given(subject=TEXTS, name=TEXTS, answers=TEXTS, value=VALUES, header=st.sampled_from(ALLOWED_HEADERS))
@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_a_message_has_the_headers_that_were_meant_and_no_other(
    subject: str, name: str, answers: str, value: str, header: str
) -> None:
    """Whatever the texts hold: names, addresses, subject and values come back as they were."""
    asked: dict[str, Any] = {}
    for more in (
        {"subject": subject},
        {"to": [{"address": "ana@cliente.example", "name": name}, "b@x.com"]},
        {"reply_to": {"address": "c@x.com", "name": answers}},
        {"headers": {header: value}},
    ):
        try:
            rendered(**asked, **more)
        except InvalidInput:
            continue
        asked |= more
    message = accepted(**asked)
    written = mime_bytes(message)
    require_well_formed(written)
    assert written.isascii()
    again: Message = message_from_bytes(written, policy=compat32)
    added = (["Reply-To"] if "reply_to" in asked else []) + list(asked.get("headers", []))
    assert sorted(again.keys()) == sorted({*ALWAYS, *added})
    assert not again.defects
    assert shown(again["Subject"]) == message.subject
    assert message_from_bytes(written, policy=default)["Subject"].rstrip() == message.subject.rstrip()
    for kind, meant in (("To", message.to), ("From", [message.sender]), ("Reply-To", [message.reply_to])):
        if again[kind]:
            assert mailboxes(again[kind]) == [(one.name or "", one.address) for one in meant if one]
    for given_name, given_value in message.headers:
        assert str(again[given_name]).replace("\r\n", "") == given_value


@given(local=LOCAL_PARTS, name=TEXTS)
@settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_an_address_goes_out_as_it_is(local: str, name: str) -> None:
    """No local part is decoded, encoded or cut; letters beyond ASCII stand in UTF-8 (RFC 6532)."""
    message = accepted(
        to=[{"address": f"{local}@münchen.example"}], cc=[{"address": "b@x.com", "name": name}]
    )
    written = mime_bytes(message)
    require_well_formed(written)
    assert written.isascii() == (not message.needs_smtputf8)
    lines = header_of(written).decode().split("\r\n")
    assert f"To: {wire(message.to[0].address)}" in lines
    assert mailboxes(message_from_bytes(written)["Cc"]) == [(message.cc[0].name or "", "b@x.com")]


@given(name=TEXTS, content=st.binary(max_size=200))
@settings(max_examples=100)
def test_a_file_keeps_its_name_and_bytes(name: str, content: bytes) -> None:
    """Inside the HTML and beside it."""
    held = {"content": base64.b64encode(content).decode(), "content_type": "image/png", "name": name}
    message = accepted(attachments=[held, {**held, "content_id": "logo"}])
    written = mime_bytes(message)
    require_well_formed(written)
    again = message_from_bytes(written, policy=default)
    files = [part for part in again.walk() if part.get_filename()]
    assert [part.get_content_disposition() for part in files] == ["inline", "attachment"]
    assert {part.get_payload(decode=True) for part in files} == {content}
    read = {re.sub(" +", " ", str(part.get_filename())) for part in files}
    assert read == {re.sub(" +", " ", message.files[0].name)}
    assert len(list(again.walk())) == 7
    assert not any(part.defects for part in again.walk())


ATTACK = "=?utf-8?q?a=0D=0ABcc:_eve@x.com?="


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("subject", {"subject": ATTACK}),
        ("to[0].name", {"to": [{"address": "a@x.com", "name": f"Ana {ATTACK}"}]}),
        ("reply_to.name", {"reply_to": {"address": "a@x.com", "name": ATTACK}}),
        ("cc[0].address", {"cc": ["=?utf-8?q?ceo=40bank.example?=@x.com"]}),
        ("bcc[0].address", {"bcc": ["a=?b@x.com"]}),
        ("headers.Feedback-ID", {"headers": {"Feedback-ID": ATTACK}}),
        ("headers.List-Unsubscribe", {"headers": {"List-Unsubscribe": "<https://x.com/?a=?b>"}}),
    ],
)
def test_encoded_words_of_a_person_are_refused(place: str, fields: dict[str, Any]) -> None:
    """They say something else than they show, also without a line break in them."""
    with pytest.raises(InvalidInput) as caught:
        NewEmail.parse({**PLAIN, **fields})
    assert [one.field for one in caught.value.fields] == [place]
    assert "must not hold =?" in caught.value.fields[0].problem


@pytest.mark.parametrize("value", ["=?utf-8?q?x", "a =? b", "=?=", "?=x=?"])
def test_half_an_encoded_word_is_a_text_like_others(value: str) -> None:
    """It is encoded itself, so that nobody decodes it."""
    message = rendered(subject=value, to=[{"address": "a@x.com", "name": value}])
    again = message_from_bytes(mime_bytes(message))
    assert (shown(again["Subject"]), mailboxes(again["To"])) == (value, [(value, "a@x.com")])


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("List-Unsubscribe", f"<mailto:u@x.com?subject=x>, <https://desk.example.com/u/{'a' * 200}>"),
        ("In-Reply-To", f"<{'A1' * 30}@{'B2' * 20}.eurprd04.prod.outlook.com>"),
        ("References", " ".join(f"<{'a' * 90}{n}@example.com>" for n in range(8))),
        ("X-Entity-Ref-ID", "a  b   c"),
    ],
)
def test_long_names_and_addresses_of_pages_are_never_encoded(header: str, value: str) -> None:
    """No program would know them again; lines are folded at their spaces only."""
    written = header_of(mime_bytes(rendered(headers={header: value})))
    assert f"{header}: {value}".encode() in written.replace(b"\r\n ", b" ")


def test_spaces_around_a_headers_value_do_not_count() -> None:
    """Readers drop them."""
    assert rendered(headers={"References": "  <a@b>  "}).headers[-1] == ("References", "<a@b>")


def test_encoded_words_are_short_and_hold_whole_characters() -> None:
    """At most 75 characters, lines of 76 (RFC 2047 sections 2 and 5); each is decoded alone."""
    name = "José García, Director de la Clínica Internacional de Odontología y Estética Avanzada"
    lines = people("Reply-To", [Mailbox(address="a@x.com", name=name)]).folded().split("\r\n")
    lines += text("Subject", "日本語😀" * 40).folded().split("\r\n")
    assert max(map(len, lines)) <= 76
    words = [word for line in lines for word in line.split(" ") if word.startswith("=?")]
    assert max(map(len, words)) <= 75
    decoded = [
        base64.b64decode(word.removeprefix("=?utf-8?b?").removesuffix("?=")).decode() for word in words
    ]
    assert "".join(decoded) == name + "日本語😀" * 40


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Clinica Sol", "To: Clinica Sol <a@x.com>"),
        ("Sol, S.L.", 'To: "Sol, S.L." <a@x.com>'),
        ('Ana "la" \\', 'To: "Ana \\"la\\" \\\\" <a@x.com>'),
        (" Ana   López ", "To: =?utf-8?b?QW5hIEzDs3Bleg==?= <a@x.com>"),
        (None, "To: a@x.com"),
    ],
)
def test_names_are_written_as_plainly_as_they_can(name: str | None, line: str) -> None:
    """As words, in quotes, or else encoded."""
    assert people("To", [Mailbox(address="a@x.com", name=name)]).folded() == line


@pytest.mark.parametrize(
    "headers",
    [
        [Header("Subject", (" a\r\nBcc: eve@x.com",))],
        [Header("Subject", (" a\r\n\r\nbody",))],
        [Header("Subject", (" a\x00",))],
        [Header("Subject", (" a\nb",))],
        [Header("Subject", (" a", " \r\n", " b"))],
        [Header("Subject\r\nBcc", (" a",))],
        [Header("Subject", (" ñ",))],
        [Header("Subject", (" " + "a" * 1000,))],
        [Header("Subject: a\r\nBcc", (" a",))],
    ],
)
def test_what_was_not_meant_is_found_in_the_bytes_themselves(headers: list[Header]) -> None:
    """The last look, whatever was overlooked before it."""
    with pytest.raises(InvalidInput) as caught:
        block(headers)
    assert caught.value.reason == "headers"


@pytest.mark.parametrize(
    "written",
    [
        lambda: raw("Date", "a\r\nBcc: eve@x.com"),
        lambda: raw("References", "=?utf-8?q?x?="),
        lambda: raw("References", "ñ"),
        lambda: raw("References", ""),
        lambda: text("Subject", "a\nb"),
        lambda: text("Subject", ATTACK),
        lambda: people("To", [Mailbox.model_construct(address="a@x.com", name="a\r\nb")]),
        lambda: people("To", [Mailbox.model_construct(address="=?a?=@x.com", name=None)]),
        lambda: people("To", [Mailbox.model_construct(address="a@x.com", name="\u202eb")]),
        lambda: typed("Content-Disposition", "attachment", filename="a\r\nb"),
    ],
)
def test_a_text_that_nobody_checked_is_not_written(written: Any) -> None:  # noqa: ANN401 - a call
    """The model refuses it with words; nothing behind it takes that on trust."""
    with pytest.raises(InvalidInput):
        written()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("cita.pdf", 'Content-Disposition: attachment; filename="cita.pdf"'),
        ("año.pdf", "Content-Disposition: attachment; filename*=utf-8''a%C3%B1o.pdf"),
        ('a"b', "Content-Disposition: attachment; filename*=utf-8''a%22b"),
        ("=?q?=", "Content-Disposition: attachment; filename*=utf-8''%3D%3Fq%3F%3D"),
    ],
)
def test_parameters_hold_any_text(name: str, line: str) -> None:
    """In quotes where that is safe, else as RFC 2231 has it."""
    assert typed("Content-Disposition", "attachment", filename=name).folded() == line


def test_the_date_is_the_one_on_which_it_was_asked_for() -> None:
    """With its zone (RFC 5322 section 3.3)."""
    at = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    message = render("em_1", "sol", NewEmail.parse(PLAIN), sender=Sender(SENDER), created_at=at, files=None)
    assert b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n" in mime_bytes(message)
