"""The company document: what is accepted, and what is refused in which words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.companies.model import Company
from shared.companies.money import CURRENCIES, Money
from shared.platform.errors import InvalidInput

SMALLEST: dict[str, Any] = {"name": "Clínica Sol", "zone": "Europe/Madrid", "language": "es"}
FULL: dict[str, Any] = {
    **SMALLEST,
    "mode": "shadow",
    "inboxes": [{"id": 3}, {"id": 4, "via": "agent_bot"}],
    "default_via": "agent_bot",
    "opening_hours": {
        "monday": [{"from": "09:00", "to": "14:00"}, {"from": "16:00", "to": "20:00"}],
        "friday": [{"from": "20:00", "to": "02:00"}],
        "saturday": [{"from": "10:00", "to": "24:00"}],
    },
    "opening_exceptions": [
        {"first_day": "2026-12-24", "last_day": "2027-01-06", "note": "Navidad"},
        {"first_day": "2026-12-30", "hours": [{"from": "10:00", "to": "12:00"}]},
    ],
    "services": [
        {
            "id": "botox",
            "name": "Bótox",
            "description": "Una zona",
            "duration_minutes": 30,
            "price": {"amount_minor": 18000, "currency": "EUR"},
            "price_note": "desde",
            "buffer_before_minutes": 5,
            "buffer_after_minutes": 10,
            "calendars": ["laser"],
            "staff": ["main"],
            "rooms": ["cabin"],
            "slot_grid_minutes": 20,
            "notice_minutes": 60,
            "horizon_days": 30,
            "hold_minutes": 5,
            "event_reminders": [{"minutes": 30, "method": "email"}],
            "conference": False,
            "invite_customer": True,
            "attendees": ["jefa@clinica.es"],
        }
    ],
    "knowledge": {
        "entries": [{"question": "¿Hay parking?", "answer": "Sí."}],
        "pages": [{"title": "Equipo", "markdown": "# Equipo"}],
    },
    "agents": [
        {
            "name": "prices",
            "description": "d",
            "instructions": "i",
            "tools": ["hand_over"],
            "model": "gpt-6-luna",
        }
    ],
    "disclosure": {"enabled": True, "texts": {"es-MX": "Hola, soy un robot."}},
    "hand_over": {
        "reply_patterns": ["escalar"],
        "customer_patterns": [],
        "status": "open",
        "customer_text": {"es": "Un momento."},
        "notify_by_email": "outside_hours",
    },
    "quiet_window_seconds": 2,
    "quiet_cap_seconds": 6.5,
    "patience_seconds": 120,
    "takeover": {
        "assignment_means_takeover": "never",
        "bot_statuses": ["open", "pending"],
        "resume_after_hours": None,
        "resume_label": "robot",
    },
    "email": {
        "providers": [
            {"id": "main", "vendor": "smtp", "preset": "gmail", "username": "a@b.es", "auth": "xoauth2"},
            {"id": "own", "vendor": "smtp", "host": "smtp.b.es", "port": 465, "username": "a@b.es"},
            {"id": "sg", "vendor": "sendgrid", "region": "eu"},
            {"id": "mg", "vendor": "mailgun", "region": "us", "domain": "mg.b.es"},
            {"id": "aws", "vendor": "ses", "region": "eu-west-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE"},
        ],
        "from_address": "a@b.es",
        "from_name": "Sol",
        "reply_to": "c@b.es",
        "rules": {"reminder": {"providers": ["sg", "main"], "expires_after_minutes": 60}},
        "templates": {"reconnect_notice": {"es": {"subject": "Hola", "html": "<p>{{ company.name }}</p>"}}},
    },
    "calendars": [
        {"id": "main", "provider": "google", "calendar": "primary", "name": "Dra. Ana"},
        {"id": "cabin", "provider": "generic", "role": "room", "capacity": 3},
        {"id": "laser", "provider": "google", "calendar": "laser@group", "role": "other"},
    ],
    "booking": {
        "slot_grid_minutes": 30,
        "notice_minutes": 240,
        "horizon_days": 90,
        "hold_minutes": 15,
        "change_notice_minutes": 720,
        "fresh_minutes": 10,
        "emails": False,
        "conference": True,
        "invite_customer": True,
        "event_reminders": [{"minutes": 10}],
        "reminders": [{"minutes_before": 1440, "by": "email"}, {"minutes_before": 60}],
        "reminder_texts": {"es": "{service} el {day} a las {time} en {company}"},
        "reminder_template": {"name": "cita", "language": "es", "text": "Tienes cita."},
    },
    "staff_email": "equipo@clinica.es",
    "retention": {"history_days": 10, "history_messages": 5},
    "limits": {"turns_per_hour": 5, "turns_per_contact_day": 10},
}


def with_field(path: str, value: object) -> dict[str, Any]:
    """The smallest document with one more field, which may stand deep inside."""
    document: dict[str, Any] = dict(SMALLEST)
    *outer, last = path.split(".")
    inner = document
    for step in outer:
        inner[step] = {}
        inner = inner[step]
    inner[last] = value
    return document


def test_an_appointment_takes_place_where_its_calendar_says_else_at_the_company() -> None:
    """The most important calendar that says anything counts."""
    calendars = [
        {"id": "ana", "provider": "google"},
        {"id": "room", "provider": "google", "address": "Gran Vía 2", "role": "room"},
        {"id": "lab", "provider": "google", "address": "Calle Luna 3"},
    ]
    parts = {"name": "A", "zone": "Europe/Madrid", "language": "es", "calendars": calendars}
    for i, one in enumerate(calendars):
        one["calendar"] = f"c{i}"
    company = Company.parse({**parts, "address": "Calle Mayor 1"})
    asked = [["ana"], ["ana", "room"], ["lab", "room"], ["gone"], []]
    found = ["Calle Mayor 1", "Gran Vía 2", "Calle Luna 3", "Calle Mayor 1", "Calle Mayor 1"]
    assert [company.address_of(one) for one in asked] == found
    assert Company.parse(parts).address_of(["ana"]) == ""


def test_spaces_that_pages_put_into_addresses_are_spaces() -> None:
    """They come with whatever is copied from there."""
    parts = {"name": "A", "zone": "Europe/Madrid", "language": "es"}
    phone, address = "+34\u00a0910\u202f000\u00a0000", "Calle Mayor\u00a01"
    company = Company.parse({**parts, "phone": phone, "address": address})
    assert (company.phone, company.address) == (phone, address)


def test_three_fields_are_enough() -> None:
    """Everything but name, zone and language has a default."""
    company = Company.parse(SMALLEST)
    assert company.mode == "live"
    assert company.inboxes == "all"
    assert company.agents[0].name == "frontdesk"
    assert company.hand_over.reply_patterns == ["escalar", "contacta directamente", "especialista"]
    assert (company.quiet_window_seconds, company.quiet_cap_seconds, company.patience_seconds) == (4, 12, 300)
    assert company.takeover.resume_after_hours == 12


CALENDARS = [
    {"id": "ana", "provider": "google"},
    {"id": "cabin", "provider": "google", "calendar": "cabin", "role": "room"},
]


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"staff": ["cabin"]}, "names the calendar 'cabin' as staff; its role is 'room'"),
        ({"rooms": ["ana"]}, "names the calendar 'ana' as room; its role is 'staff'"),
        ({"calendars": ["ana"], "staff": ["ana"]}, "needs the calendar 'ana' twice"),
        ({"staff": ["ana", "ana"]}, "'ana' twice"),
        ({"calendars": ["bob"]}, "'bob', which is not there"),
    ],
)
def test_a_service_needs_calendars_that_are_there_and_play_their_part(
    needs: dict[str, list[str]], words: str
) -> None:
    """A misspelt calendar would otherwise be found by the first customer."""
    service = {"id": "botox", "name": "Bótox", **needs}
    with pytest.raises(InvalidInput, match=words):
        Company.parse({**SMALLEST, "calendars": CALENDARS, "services": [service]})


def test_reminders_have_words_in_the_companys_language() -> None:
    """Or in its own words."""
    company = Company.parse(SMALLEST)
    assert company.booking.reminder_for("es-MX").startswith("Te recordamos")
    own = Company.parse({**SMALLEST, "booking": {"reminder_texts": {"es": "¡{day}!"}}})
    assert own.booking.reminder_for("es") == "¡{day}!"


@pytest.mark.parametrize("document", [SMALLEST, FULL])
def test_a_document_comes_back_exactly_as_it_was_given(document: dict[str, Any]) -> None:
    """Defaults that nobody wrote stay out, so that a later change of a default reaches the company."""
    assert Company.parse(document).as_document() == document
    assert Company.parse(Company.parse(document).as_document()) == Company.parse(document)


@pytest.mark.parametrize("missing", ["name", "zone", "language"])
def test_what_has_no_default_must_be_there(missing: str) -> None:
    """The error names the field."""
    document = {key: value for key, value in SMALLEST.items() if key != missing}
    with pytest.raises(InvalidInput, match=f"{missing} is missing") as refused:
        Company.parse(document)
    assert [field.field for field in refused.value.fields] == [missing]
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("path", "value", "place", "words"),
    [
        ("nonsense", 1, "nonsense", "is no field of this document"),
        ("takeover.nonsense", 1, "takeover.nonsense", "is no field"),
        ("phone", "call us", "phone", "+34 910 000 000"),
        ("phone", "+", "phone", "+34 910 000 000"),
        ("phone", "+34 910 000 000 000 000", "phone", "+34 910 000 000"),
        ("address", "Calle Mayor 1\nMadrid", "address", "one line"),
        ("address", "\u202eidirdaM", "address", "one line"),
        ("address", " ", "address", "must not be empty"),
        ("zone", "Mars/Base", "zone", "IANA"),
        ("zone", "../../etc/passwd", "zone", "IANA"),
        ("zone", "", "zone", "IANA"),
        ("zone", "Europe", "zone", "IANA"),
        ("language", "español", "language", "language tag"),
        ("name", "  ", "name", "must not be empty"),
        ("name", 7, "name", "must be a text"),
        ("mode", "asleep", "mode", "'live', 'shadow' or 'off'"),
        ("inboxes", "some", "inboxes", "'all' or a list"),
        ("inboxes", {"id": 1}, "inboxes", "'all' or a list"),
        ("inboxes", [{"id": "3"}], "inboxes[0].id", "whole number"),
        ("inboxes", [{"id": True}], "inboxes[0].id", "whole number"),
        ("inboxes", [{"id": 3, "via": "pigeon"}], "inboxes[0].via", "'agent_bot' or 'webhook'"),
        ("inboxes", [{"id": 3}, {"id": 3}], "inboxes", "inbox 3 twice"),
        ("opening_hours.monday", [{"from": "9", "to": "12:00"}], "opening_hours.monday[0].from", "09:30"),
        ("opening_hours.monday", [{"from": "09:00", "to": "09:00"}], "opening_hours.monday[0]", "whole day"),
        (
            "opening_hours.monday",
            [{"from": "09:00", "to": "12:00"}, {"from": "11:00", "to": "13:00"}],
            "opening_hours.monday",
            "overlap at 11:00",
        ),
        ("opening_hours.Monday", [], "opening_hours.Monday", "is no field"),
        (
            "opening_exceptions",
            [{"first_day": "2026-02-30"}],
            "opening_exceptions[0].first_day",
            "2026-12-24",
        ),
        (
            "opening_exceptions",
            [{"first_day": "2026-02-20", "last_day": "2026-02-19"}],
            "opening_exceptions[0]",
            "end before it begins",
        ),
        ("services", [{"id": "a b", "name": "A"}], "services[0].id", "small letters"),
        ("services", [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}], "services", "'a' twice"),
        (
            "services",
            [{"id": "a", "name": "A", "price": {"amount_minor": 1.5, "currency": "eur"}}],
            "services[0].price.amount_minor",
            "whole number",
        ),
        (
            "services",
            [{"id": "a", "name": "A", "price": {"amount_minor": 1, "currency": "eur"}}],
            "services[0].price.currency",
            "ISO 4217",
        ),
        ("hand_over.reply_patterns", ["!?"], "hand_over.reply_patterns[0]", "letter or digit"),
        ("hand_over.status", "resolved", "hand_over.status", "'open', 'pending' or 'snoozed'"),
        (
            "hand_over.notify_by_email",
            True,
            "hand_over.notify_by_email",
            "'never', 'always' or 'outside_hours'",
        ),
        ("disclosure.texts", {"spanisch!": "x"}, "disclosure.texts.spanisch!", "language tag"),
        ("takeover.bot_statuses", ["closed"], "takeover.bot_statuses[0]", "'open'"),
        ("takeover.bot_statuses", [], "takeover.bot_statuses", "at least 1"),
        ("agents", [], "agents", "at least 1"),
        ("agents", [{"name": "a"}, {"name": "a"}], "agents", "'a' twice"),
        ("agents", [{"name": "a", "tools": ["x", "x"]}], "agents[0].tools", "'x' twice"),
        ("staff_email", "nobody", "staff_email", "e-mail address"),
        ("staff_email", "a@b.c\nBcc: d@e.f", "staff_email", "e-mail address"),
        ("quiet_window_seconds", float("nan"), "quiet_window_seconds", "must be a number"),
        ("quiet_window_seconds", -1, "quiet_window_seconds", "must be 0"),
        ("patience_seconds", 5, "patience_seconds", "must be 30"),
        ("patience_seconds", 300.5, "patience_seconds", "whole number"),
        ("knowledge", [], "knowledge", "must be an object"),
        ("calendars", [{"id": "a", "provider": "outlook"}], "calendars[0].provider", "'google', 'calendly'"),
        ("calendars", [{"id": "a", "provider": "google", "role": "boss"}], "calendars[0].role", "'staff'"),
        (
            "calendars",
            [{"id": "a", "provider": "google", "capacity": 0}],
            "calendars[0].capacity",
            "must be 1 or more",
        ),
        (
            "calendars",
            [{"id": "a", "provider": "google"}, {"id": "b", "provider": "google"}],
            "",
            "holds the calendar 'google primary' twice",
        ),
        ("booking.slot_grid_minutes", 0, "booking.slot_grid_minutes", "must be 1 or more"),
        ("booking.horizon_days", 401, "booking.horizon_days", "400 or less"),
        (
            "booking.event_reminders",
            [{"minutes": one} for one in range(6)],
            "booking.event_reminders",
            "at most 5",
        ),
        ("booking.event_reminders", [{"minutes": 1}] * 2, "booking.event_reminders", "twice"),
        (
            "booking.event_reminders",
            [{"minutes": 40_321}],
            "booking.event_reminders[0].minutes",
            "40320 or less",
        ),
        ("booking.reminders", [{"minutes_before": 60}] * 2, "booking.reminders", "twice"),
        ("booking.reminder_texts", {"es": "{cita}"}, "booking.reminder_texts.es", "{company}, {service}"),
        ("booking.reminder_texts", {"es": "{"}, "booking.reminder_texts.es", "no other braces"),
        ("booking.reminder_texts", {"es": "{day.x}"}, "booking.reminder_texts.es", "no other braces"),
        ("services", [{"id": "a", "name": "A", "staff": ["nobody"]}], "", "'nobody', which is not there"),
        (
            "services",
            [{"id": "a", "name": "A", "attendees": ["x"]}],
            "services[0].attendees[0]",
            "e-mail address",
        ),
    ],
)
def test_a_wrong_field_is_named_with_what_is_wrong(path: str, value: object, place: str, words: str) -> None:
    """The path is how people write it, and the words are for people."""
    with pytest.raises(InvalidInput) as refused:
        Company.parse(with_field(path, value))
    found = {field.field: field.problem for field in refused.value.fields}
    assert words in found[place]


MAIL = {
    "email": {"from_address": "a@b.es", "providers": [{"id": "grid", "vendor": "sendgrid"}]},
    "staff_email": "equipo@clinica.es",
    "opening_hours": {"monday": [{"from": "09:00", "to": "12:00"}]},
}


@pytest.mark.parametrize(
    ("rule", "missing", "words"),
    [
        ("always", "staff_email", "must have a staff_email, because its hand_over.notify_by_email"),
        ("always", "email", "must have a provider of e-mail"),
        ("outside_hours", "opening_hours", "must have opening_hours"),
    ],
)
def test_an_e_mail_that_could_never_reach_anybody_is_refused(rule: str, missing: str, words: str) -> None:
    """Whoever asks for it would wait for it in vain."""
    document = {**SMALLEST, **MAIL, "hand_over": {"notify_by_email": rule}}
    assert Company.parse(document).hand_over.notify_by_email == rule
    with pytest.raises(InvalidInput, match=words):
        Company.parse({name: value for name, value in document.items() if name != missing})


def test_a_company_is_closed_outside_its_hours_and_never_without_any() -> None:
    """On its own clock."""
    morning = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)  # half past nine on a Monday in Madrid
    company = Company.parse({**SMALLEST, **MAIL})
    assert not company.is_closed(morning)
    assert company.is_closed(morning - timedelta(hours=1))
    assert not Company.parse(SMALLEST).is_closed(morning - timedelta(hours=1))


def test_every_wrong_field_is_named_at_once() -> None:
    """Nobody wants to correct a document one error at a time."""
    with pytest.raises(InvalidInput) as refused:
        Company.parse({"name": "", "zone": "Nowhere", "limits": {"turns_per_hour": 0}})
    assert {field.field for field in refused.value.fields} == {
        "name",
        "zone",
        "language",
        "limits.turns_per_hour",
    }


@pytest.mark.parametrize(
    "data", [None, 1, "text", [], [SMALLEST], float("inf"), {"name": "\ud800"}, {1: object()}]
)
def test_what_is_no_document_is_refused(data: object) -> None:
    """Whatever arrives, the answer is the caller's mistake and no crash."""
    with pytest.raises(InvalidInput):
        Company.parse(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "zone", "language", "inboxes", "services", "id", "opening_hours"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_accepted_or_refused_in_words(data: object) -> None:
    """No input of any shape gets past the error tree."""
    refused = refusal_of(data)
    assert refused is None or (refused.fields and all(field.problem for field in refused.fields))


def refusal_of(data: object) -> InvalidInput | None:
    """The refusal of a document, if it is refused."""
    try:
        Company.parse(data)
    except InvalidInput as refused:
        return refused
    return None


def test_texts_fall_back_from_region_to_language_to_english() -> None:
    """The company's own text wins over the default of the same language."""
    company = Company.parse(
        {**SMALLEST, "disclosure": {"texts": {"es": "Hola, soy un robot.", "fr": "Bonjour."}}}
    )
    assert company.disclosure.text_for("es-MX") == "Hola, soy un robot."
    assert company.disclosure.text_for("fr-CA") == "Bonjour."
    assert "assistente virtual" in company.disclosure.text_for("pt-BR")
    assert company.disclosure.text_for("ja") == company.disclosure.text_for("en")
    assert "persona" in company.hand_over.text_for("es")


def test_a_night_may_end_on_the_next_day_but_not_within_its_hours() -> None:
    """Bars close after midnight; the next day's hours begin after that."""
    late = {"friday": [{"from": "20:00", "to": "02:00"}], "saturday": [{"from": "02:00", "to": "03:00"}]}
    hours = Company.parse({**SMALLEST, "opening_hours": late}).opening_hours
    assert hours is not None
    assert hours.on(4)[0].end_minute == 26 * 60
    late["saturday"] = [{"from": "01:59", "to": "03:00"}]
    with pytest.raises(InvalidInput, match="night of friday"):
        Company.parse({**SMALLEST, "opening_hours": late})


def test_a_sunday_night_is_checked_against_monday_morning() -> None:
    """The week is a circle."""
    late = {"sunday": [{"from": "22:00", "to": "07:00"}], "monday": [{"from": "06:00", "to": "12:00"}]}
    with pytest.raises(InvalidInput, match="night of sunday"):
        Company.parse({**SMALLEST, "opening_hours": late})


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (12050, "EUR", "120.50 EUR"),
        (5, "EUR", "0.05 EUR"),
        (1200, "JPY", "1200 JPY"),
        (1234, "KWD", "1.234 KWD"),
    ],
)
def test_money_is_written_with_its_currencys_decimals(minor: int, currency: str, text: str) -> None:
    """Yen have no cents, dinars have a thousand fils."""
    assert str(Money(amount_minor=minor, currency=currency)) == text


@given(st.integers(min_value=0, max_value=10**12), st.sampled_from(sorted(CURRENCIES)))
def test_money_loses_nothing_between_its_two_units(minor: int, currency: str) -> None:
    """Exact for every amount and currency."""
    amount = Money(amount_minor=minor, currency=currency).amount
    assert isinstance(amount, Decimal)
    assert any(amount * factor == minor for factor in (1, 100, 1000))


def test_an_exception_covers_its_days_and_no_others() -> None:
    """Without a last day it is one day long."""
    company = Company.parse(FULL)
    christmas, inventory = company.opening_exceptions
    assert christmas.covers(date(2026, 12, 24))
    assert christmas.covers(date(2027, 1, 6))
    assert not christmas.covers(date(2027, 1, 7))
    assert inventory.covers(date(2026, 12, 30))
    assert not inventory.covers(date(2026, 12, 31))
