"""Templates: shipped ones, a company's own, and hostile ones."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.companies.email import EmailSettings, Kind, SmtpProvider
from shared.companies.model import Company
from shared.email.checking import check_settings
from shared.email.composing import filled, sender_of
from shared.email.message import Templated
from shared.email.templates.rendering import SHIPPED, check, preview, render
from shared.email.templates.safe import FILTERS, TemplateWrong, fill
from shared.email.templates.values import EXAMPLES, NAMES, PARTS, SHAPES, complete, examples, spoken
from shared.email.templates.zones import city
from shared.platform.errors import InvalidInput, NotFound
from tests.support.processor import processor_seconds

NONE = EmailSettings()
LONGEST = 100_000


def own(html: str, subject: str = "Hola", text: str | None = None, language: str = "es") -> EmailSettings:
    """A company with its own words for the confirmation."""
    texts = {"subject": subject, "html": html, **({"text": text} if text else {})}
    return EmailSettings.parse({"templates": {"appointment_confirmed": {language: texts}}})


def company(settings: dict[str, Any], name: str = "Sol") -> Company:
    """A company's document with these settings of e-mail."""
    return Company.parse({"name": name, "zone": "Europe/Madrid", "language": "es", "email": settings})


def changed(part: str, **values: object) -> dict[str, Any]:
    """The examples with other values."""
    return {**EXAMPLES, part: {**EXAMPLES[part], **values}}


@pytest.mark.parametrize("language", sorted(SHIPPED))
@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_shipped_in_every_language(name: str, language: str) -> None:
    """With every value that it is told, and without those that may be missing."""
    filled = preview(name, language, NONE)
    assert f'lang="{language}"' in filled.html
    assert "Centro Luz" in filled.html
    for part in PARTS[cast("Any", name)]:
        told = {
            key for key, value in examples(language)[part].items() if value in filled.html + filled.subject
        }
        assert told, part
    shorter = render(name, language, NONE, FEW)
    assert "None" not in shorter.html + shorter.text + shorter.subject
    assert "<a href" not in shorter.html


FEW = {part: {k: v for k, v in EXAMPLES[part].items() if SHAPES[part][k]} for part in EXAMPLES}
MISSING = [f"{part}.{key}" for part, keys in SHAPES.items() for key, needed in keys.items() if not needed]
USES = ["{{ %s }}", "{{ %s|default }}", "{{ %s or '' }}", "{{ '' if %s else 'x' }}"]
USES += [f"{{{{ %s|{name} }}}}" for name in FILTERS]


@pytest.mark.parametrize("language", sorted(SHIPPED))
@pytest.mark.parametrize("name", NAMES)
def test_a_missing_value_is_nothing_in_words_of_ones_own(name: str, language: str) -> None:
    """In subject, HTML and text, in attributes, through every filter; in a mail and in a preview."""
    parts = PARTS[cast("Any", name)]
    uses = "".join(f"[{use % value}]" for value in MISSING if value.split(".")[0] in parts for use in USES)
    texts = {"subject": f"Hola {uses[:200].rpartition('[')[0]}", "html": f"<p title='{uses}'>{uses}</p>"}
    settings = EmailSettings.parse({"templates": {name: {language: {**texts, "text": uses}}}})
    check(settings)
    shorter = render(name, language, settings, FEW)
    shown = preview(name, language, settings, {part: FEW[part] for part in parts})
    for one in (shorter, shown):
        assert "None" not in one.subject + one.html + one.text
    assert "[]" in shorter.html
    assert "[]" in shorter.text


@pytest.mark.parametrize(
    "source",
    [
        "{{ customer.name|default('you') }}",
        "{{ customer.name|default('you', true) }}",
        "{{ customer.name|trim|default('you') }}",
        "{{ customer.name|default('YOU')|lower }}",
        "{{ customer.name|default(company.phone)|default('you') }}",
    ],
)
def test_a_default_takes_the_place_of_a_missing_value(source: str) -> None:
    """Also behind and before another filter; and only of a missing one."""
    filled = render("appointment_confirmed", "en", own(source, source, source, "en"), FEW)
    assert (filled.subject, filled.text) == ("you", "you")
    assert ">\nyou\n<" in filled.html
    there = {**FEW, "customer": {"name": "you"}, "company": EXAMPLES["company"]}
    assert render("appointment_confirmed", "en", own(source, source, source, "en"), there).subject == "you"


def test_languages_differ_and_fall_back() -> None:
    """The region is left out, then English."""
    subjects = {
        tag: preview("appointment_confirmed", tag, NONE).subject.split()[0]
        for tag in ("es-MX", "pt-BR", "de")
    }
    assert subjects == {"es-MX": "Cita", "pt-BR": "Agendamento", "de": "Appointment"}


def test_previews_speak_the_language_and_take_some_values() -> None:
    """Of a part of which some are given the others are examples."""
    shown = preview("appointment_confirmed", "en", NONE, {"appointment": {"place": "Here 1"}})
    assert "First consultation" in shown.text
    assert "Here 1" in shown.text
    assert "A permissão" in preview("reconnect_notice", "pt", NONE).text


@pytest.mark.parametrize(
    ("zone", "language", "said"),
    [
        ("Europe/Lisbon", "pt", "Lisboa"),
        ("America/Sao_Paulo", "pt-BR", "São Paulo"),
        ("America/Sao_Paulo", "en", "São Paulo"),
        ("America/Mexico_City", "es-MX", "Ciudad de México"),
        ("America/Argentina/Buenos_Aires", "es", "Buenos Aires"),
        ("Europe/London", "en", "London"),
        ("Europe/Madrid", "de", "Madrid"),
        ("UTC", "es", "UTC"),
    ],
)
def test_zones_are_called_as_people_call_them(zone: str, language: str, said: str) -> None:
    """Not in IANA's English."""
    assert city(zone, language) == said


def test_americans_have_two_halves_of_a_day() -> None:
    """And the month before the day; nobody else."""
    zone = ZoneInfo("America/New_York")
    noon, night = (datetime(2026, 12, 2, hour, 5, tzinfo=zone) for hour in (12, 0))
    assert spoken(noon, zone, "en-US") == ("Wednesday, December 2, 2026", "12:05 PM")
    assert spoken(night, zone, "en-US") == ("Wednesday, December 2, 2026", "12:05 AM")
    assert spoken(noon, zone, "en") == ("Wednesday, 2 December 2026", "12:05")


def test_a_companys_own_words_come_first() -> None:
    """In their language only."""
    settings = own("<p>Ven a {{ company.name }}</p>")
    assert "Ven a Centro Luz" in preview("appointment_confirmed", "es", settings).text
    assert "Your appointment" in preview("appointment_confirmed", "en", settings).html


def test_a_whole_document_stays_as_it_is() -> None:
    """Frontdesk's layout is for parts."""
    html = "<html><body>{{ company.name }}</body></html>"
    assert preview("appointment_confirmed", "es", own(html)).html == "<html><body>Centro Luz</body></html>"


def test_values_are_escaped_in_html_and_plain_elsewhere() -> None:
    """A customer's name is no HTML."""
    filled = render(
        "appointment_confirmed", "es", NONE, changed("customer", name="<b onclick=x>Ana & Cía</b>")
    )
    assert "<b onclick" not in filled.html
    assert "&lt;b onclick=x&gt;Ana &amp; Cía" in filled.html
    assert "<b onclick=x>Ana & Cía</b>" in filled.text


def test_values_are_never_templates() -> None:
    """Whatever they look like (no second rendering)."""
    hostile = "{{ company.name }}{% if 1 %}x{% endif %}{{ 7*7 }}"
    filled = render("appointment_confirmed", "es", NONE, changed("customer", name=hostile))
    assert hostile in filled.text


def test_a_subject_is_one_line_whatever_the_values_hold() -> None:
    """No header is made of a service's name."""
    values = changed("appointment", date="martes\r\nBcc: eve@x.com\u202e")
    subject = render("appointment_confirmed", "es", NONE, values).subject
    assert subject.startswith("Cita confirmada: martes Bcc: eve@x.com, ")
    long = render("appointment_confirmed", "es", NONE, changed("appointment", date="x" * 1000)).subject
    assert len(long) == 200
    encoded = changed("appointment", date="=?utf-8?q?a=0D=0ABcc:_eve@x.com?=")
    assert "=?" not in render("appointment_confirmed", "es", NONE, encoded).subject


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "values.company.name is missing"),
        (changed("appointment", date=None), "values.appointment.date is missing"),
        (changed("appointment", service=" "), "values.appointment.service is missing"),
        (changed("appointment", service=7), "values.appointment.service must be a text"),
        (changed("appointment", place="x" * 2001), "values.appointment.place must be a text of at most 2000"),
        (changed("appointment", manage_url="javascript:alert(1)"), "manage_url must begin with https://"),
        (
            changed("appointment", manage_url="http://desk.example.com/a"),
            "manage_url must begin with https://",
        ),
        (
            changed("appointment", manage_url="https://x.com/ onclick=y"),
            "manage_url must begin with https://",
        ),
    ],
)
def test_wrong_values_are_refused_by_name(values: dict[str, Any], field: str) -> None:
    """Before a mail with a hole in it goes out."""
    with pytest.raises(InvalidInput) as caught:
        render("appointment_confirmed", "es", NONE, values)
    assert field in str(caught.value)


def test_an_unknown_template_is_said_to_be_one() -> None:
    """With the names there are."""
    with pytest.raises(NotFound, match="appointment_moved"):
        preview("../../etc/passwd", "es", NONE)


BOMBS = [
    "{% for i in range(10**9) %}x{% endfor %}",
    "{{ 'a' * 10**10 }}",
    "{{ 10**10**10 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'a'|center(10**10) }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ lipsum(n=100000) }}",
    "{% set x = 'a' %}{{ x }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% extends company.name %}",
    "{{ company.__class__.__mro__ }}",
    "{{ company['__class__'] }}",
    "{{ ''.__class__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ company|attr('__class__') }}",
    "{{ company|map(attribute='__class__')|list }}",
    "{{ company.name|safe }}",
    "{% autoescape false %}{{ company.name }}{% endautoescape %}",
    "{{ company.items() }}",
    "{{ company.name ~ company.name }}",
    "{{ [1, 2] }}",
    "{{ {'a': 1} }}",
    "{% filter upper %}x{% endfilter %}",
    "{% block x %}{% endblock %}",
    "{{ company.items }}",
    "{{ nobody }}",
    "{{ company.nothing }}",
    "{{ company.nothing.more }}",
    "{% if company.name %}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{% if company.name %}" * 200 + "{% endif %}" * 200,
    "{{ " + "not " * 3000 + "1 }}",
    "{{ " + "9" * 6000 + " }}",
    "<a href={{ company.name }}>x</a>",
    "<script>{{ company.name }}</script>",
    "<img src=x onerror=alert(1)>",
    "<form action='https://x.example'>",
]


@pytest.mark.parametrize("source", BOMBS, ids=lambda source: source[:40])
def test_what_templates_may_not_is_refused_at_once(source: str) -> None:
    """When the document is written, and if it came around that, when a mail is made."""

    def refused() -> None:
        with pytest.raises(InvalidInput) as caught:
            check(own(source))
        assert caught.value.fields[0].field == "email.templates.appointment_confirmed.es"
        with pytest.raises(TemplateWrong):
            fill(source, complete("appointment_confirmed", EXAMPLES), html=True)

    assert processor_seconds(refused, tries=1) < 2


LENGTH = 40_000
SHAPES_OF_SOURCES = [
    "x", "<b>x</b>", '<a title="x">', "<", "&", "{{ c.n }}", '<a href="https://x/{{ c.n }}">x</a>', "</style",
    "{% if c.n %}x{% endif %}", "<td{% if c.n %} a='1'{% endif %}>", '<a href="&amp;&amp;', "{#",
    '<meta name="', "<!--", "<style></style>", "a:", '<a href="' + "a" * 99 + '">', "{% elif c.n %}", "<b ",
]  # fmt: skip


@pytest.mark.parametrize("one", SHAPES_OF_SOURCES)
@pytest.mark.parametrize("begun", ["", "<b ", "<style>"])
def test_reading_a_template_takes_time_in_proportion_to_its_length(one: str, begun: str) -> None:
    """Eight times the length is eight times the work, with room for a busy machine, and never 64 times."""

    def seconds(length: int) -> float:
        return processor_seconds(lambda: filled_if_right(begun + one * (length // len(one))), tries=2)

    assert seconds(LENGTH) < 25 * seconds(LENGTH // 8) + 0.1


def filled_if_right(source: str) -> None:
    """Fill it with a value; wrong ones are refused."""
    with suppress(TemplateWrong):
        fill(source, {"c": {"n": "x"}}, html=True)


def test_a_template_of_a_newsletter_tool_is_taken() -> None:
    """With its head, its styles and its length; beyond that it is refused by its field."""
    head = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml" lang="es"><head>
<!--[if gte mso 15]><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml><![endif]--><meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="x-apple-disable-message-reformatting"><title>{{ company.name }}</title>
<style type="text/css">#outlook a { padding: 0 } @media (max-width:480px) { .c { width: 100% } }</style>
</head><body>"""
    html = f"{head}{'<p>Hola</p>' * 9000}{{{{ customer.name|default('Hola') }}}}</body></html>"
    check(own(html[:99_000].rpartition("<p>")[0] + "</body></html>"))
    with pytest.raises(InvalidInput, match="at most 100000 characters"):
        own("x" * 100_001)


def test_a_template_cannot_become_endless() -> None:
    """Twenty thousand characters of values of two thousand."""
    source = "{{ customer.name }}" * 1000
    with pytest.raises(TemplateWrong, match="larger than"):
        fill(source, {"customer": {"name": "x" * 2000}}, html=True)


def test_what_only_fails_without_an_optional_value_is_found_when_it_is_written() -> None:
    """A subject that is only the phone number is empty for most."""
    with pytest.raises(InvalidInput, match="has a subject that is empty"):
        check(own("<p>x</p>", subject="{{ company.phone or '' }}"))


@pytest.mark.parametrize(
    "source",
    [
        "{{ company.phone|default('', true)|upper }}",
        "{% if a.b %}x{% endif %}",
        "{{ 'x' if company.phone == '1' and not company.name else 'y' }}",
    ],
)
def test_the_allowed_part_is_enough_for_letters(source: str) -> None:
    """Conditions, comparisons, filters."""
    assert fill(source, {"company": {"name": "Sol", "phone": "1"}, "a": {"b": None}}, html=True) in {
        "1",
        "",
        "y",
    }


@given(st.text(alphabet="{}%() .|'\"~*_abcompanyifedor+-\\\n0"))
def test_any_source_is_filled_or_refused(source: str) -> None:
    """Never anything else."""
    try:
        assert isinstance(fill(source, {"company": {"name": "Sol"}}, html=True), str)
    except TemplateWrong as error:
        assert str(error)  # noqa: PT017 - both are right


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_value_stays_a_value(name: str, place: str) -> None:
    """In both bodies."""
    values = {"customer": {"name": name}, "a": {"place": place}}
    source = '<p title="{{ a.place }}">{{ customer.name }}</p>'
    html = fill(source, values, html=True)
    assert html.count("<") == 2
    assert html.count('"') == 2
    assert fill("{{ customer.name }}|{{ a.place }}", values, html=False) == f"{name}|{place}"


def test_moments_are_said_in_the_language() -> None:
    """In the company's zone."""
    moment = datetime(2026, 11, 24, 11, 30, tzinfo=UTC)
    madrid = ZoneInfo("Europe/Madrid")
    assert spoken(moment, madrid, "es-MX") == ("martes, 24 de noviembre de 2026", "12:30")
    assert spoken(moment, madrid, "pt") == ("terça-feira, 24 de novembro de 2026", "12:30")
    assert spoken(moment, ZoneInfo("Asia/Tokyo"), "de") == ("Tuesday, 24 November 2026", "20:30")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"from_address": "ana@x.local"}, "email.from_address"),
        ({"reply_to": "a..b@x.com"}, "email.reply_to"),
        ({"rules": {"staff": {"reply_to": "a@x.invalid"}}}, "email.rules.staff.reply_to"),
    ],
)
def test_settings_that_could_never_work_are_refused(settings: dict[str, Any], field: str) -> None:
    """When the document is written."""
    with pytest.raises(InvalidInput) as caught:
        check_settings(company(settings))
    assert caught.value.fields[0].field == field


def test_ports_of_other_services_are_refused_but_on_ones_own_machine() -> None:
    """The local stage's mail server has a port of its own."""
    provider = {"id": "main", "vendor": "smtp", "host": "mail.b.es", "port": 8488, "username": "a"}
    document = company({"from_address": "a@b.es", "providers": [provider]})
    assert isinstance(document.email.providers[0], SmtpProvider)
    with pytest.raises(InvalidInput, match="465, 587 or 2525"):
        check_settings(document)
    check_settings(document, any_port=True)


@pytest.mark.parametrize("name", ["x" * 151, "Sol =?utf-8?q?a?="])
@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (lambda name: {"from_name": name}, "email.from_name"),
        (lambda name: {"rules": {"staff": {"from_name": name}}}, "email.rules.staff.from_name"),
    ],
)
def test_names_that_no_header_can_hold_are_refused(settings: Any, field: str, name: str) -> None:  # noqa: ANN401
    """By their field, when the document is written: each e-mail would have failed."""
    with pytest.raises(InvalidInput) as caught:
        check_settings(company({"from_address": "a@b.es", **settings(name)}))
    assert [one.field for one in caught.value.fields] == [field]


@given(st.text(min_size=1, max_size=200).filter(lambda name: bool(name.strip())))
@example("x" * 200)
@example("Sol\nBcc: eve@x.com")
@example("Sol =?utf-8?q?=0D=0ABcc:_eve@x.com?=")
@example("\x00")
def test_a_companys_own_name_never_stops_its_mails(name: str) -> None:
    """It is written for people, not for headers: it is cut and cleaned where it becomes a display name."""
    assume(name.isprintable() or not any(0xD800 <= ord(c) <= 0xDFFF for c in name))
    document = company({"from_address": "a@b.es"}, name)
    check_settings(document)
    for kind in get_args(Kind):
        shown = sender_of(document, kind).mailbox.name or ""
        assert len(shown) <= 150
        assert "=?" not in shown


def test_names_that_were_stored_before_the_check_still_send() -> None:
    """They are cut, as a company's name is."""
    document = company({"from_address": "a@b.es", "from_name": "x" * 200})
    assert sender_of(document, "staff").mailbox.name == "x" * 149 + "…"


def test_a_companys_words_that_no_mail_may_hold_are_refused() -> None:
    """A control character between them would stop every mail."""
    with pytest.raises(InvalidInput, match="must not hold control characters"):
        check(own("<p>Hola\x0b</p>"))
    with pytest.raises(InvalidInput, match="must not hold control characters"):
        check(own("<p>Hola</p>", text="Hola\x00"))


def test_a_control_character_in_a_value_costs_the_character_and_not_the_mail() -> None:
    """Names come from messengers, which let anything through."""
    asked = Templated.parse(
        {
            "to": ["ana@cliente.example"],
            "template": "appointment_confirmed",
            "language": "es",
            "values": changed("customer", name="Ana\x0bLópez\x00"),
        }
    )
    assert "Hola, Ana López" in (filled(asked, company({"from_address": "a@b.es"})).text or "")


def test_words_that_no_mail_may_hold_are_refused_as_the_callers_mistake() -> None:
    """With the field's name, never as an error of ours."""
    asked = Templated.parse({"to": ["a@x.com"], "template": "x", "language": "es", "values": {}})
    with pytest.raises(InvalidInput, match="html must not hold control characters"):
        asked.filled("Hola", "\x00", "Hola")
