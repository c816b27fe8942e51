from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.model_simulator.reading import elements
from shared.agent import prompt
from shared.agent.prompt_format import ELEMENTS, cut, element
from shared.agent.values import HistoryMessage
from tests.fakes.clock import A_MONDAY_MORNING
from tests.unit.agent.fakes import bicycles, turn_context

if TYPE_CHECKING:
    from shared.companies.model import Company

TODAY = "2026-11-23"


def instructions(company: Company, today: str = TODAY) -> str:
    """The stable part for a company's first agent."""
    return prompt.instructions(company, company.agents[0], today)


def test_services_stand_with_price_and_duration() -> None:
    """As the company wrote them, in units people use."""
    company = bicycles(
        services=[
            {
                "id": "tune",
                "name": "Tune-up",
                "description": "Brakes and gears",
                "duration_minutes": 45,
                "price": {"amount_minor": 4000, "currency": "EUR"},
                "price_note": "parts extra",
            },
            {"id": "paint", "name": "Paint"},
        ]
    )
    text = instructions(company)
    tune = '<service name="Tune-up" price="40 EUR" duration="45 minutes" price_note="parts extra">'
    assert f"{tune}Brakes and gears</service>" in text
    assert '<service name="Paint"></service>' in text


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (12000, "EUR", "120 EUR"),
        (8950, "EUR", "89.50 EUR"),
        (0, "EUR", "0 EUR"),
        (500, "JPY", "500 JPY"),
        (1500, "KWD", "1.500 KWD"),
        (2000, "KWD", "2 KWD"),
    ],
)
def test_prices_are_written_as_people_write_them(minor: int, currency: str, shown: str) -> None:
    """Minor units follow ISO 4217."""
    service = {"id": "s", "name": "S", "price": {"amount_minor": minor, "currency": currency}}
    assert prompt.price_text(bicycles(services=[service]).services[0]) == shown


def test_opening_hours_are_readable_and_past_exceptions_are_gone() -> None:
    """Breaks, closed days, coming exceptions with their note."""
    company = bicycles(
        opening_hours={
            "monday": [{"from": "15:00", "to": "19:00"}, {"from": "09:00", "to": "13:00"}],
            "friday": [{"from": "20:00", "to": "02:00"}],
        },
        opening_exceptions=[
            {"first_day": "2026-12-25", "note": "Christmas"},
            {"first_day": "2026-11-20", "last_day": "2026-11-22"},
            {"first_day": "2026-11-21", "last_day": TODAY, "hours": [{"from": "10:00", "to": "12:00"}]},
        ],
    )
    text = instructions(company)
    assert "Monday: 09:00-13:00, 15:00-19:00" in text
    assert "Tuesday: closed" in text
    assert "Friday: 20:00-02:00" in text
    assert "Exception 2026-12-25: closed (Christmas)" in text
    assert "Exception 2026-11-21 to 2026-11-23: 10:00-12:00" in text
    assert "2026-11-20" not in text


def test_a_company_without_services_and_knowledge_is_described_as_such() -> None:
    """The model is told that there is nothing, not left to wonder."""
    text = instructions(bicycles(services=[]))
    assert "The company has listed none." in text
    assert "The company has written none down." in text


def test_unknown_opening_hours_are_said_to_be_unknown() -> None:
    """So that the model does not guess."""
    assert "<opening_hours>not known</opening_hours>" in instructions(bicycles())


def test_the_stable_part_depends_on_company_agent_and_day_alone() -> None:
    """Providers cache what begins the same: neither time nor customer may stand there."""
    text = instructions(bicycles())
    assert text == instructions(bicycles())
    assert "2026" not in text
    assert "Ana" not in text


def test_small_knowledge_stands_whole_in_the_prompt() -> None:
    """Entries with their question, pages with their title."""
    company = bicycles(
        knowledge={
            "entries": [{"question": "Do you rent?", "answer": "Yes, by the day."}],
            "pages": [{"title": "Warranty", "markdown": "# Two years\n\nOn frames."}],
        }
    )
    text = instructions(company)
    assert '<entry question="Do you rent?">Yes, by the day.</entry>' in text
    assert '<page title="Warranty"># Two years\n\nOn frames.</page>' in text


def test_large_knowledge_leaves_the_prompt_and_its_titles_stay() -> None:
    """Above 60 KB the model looks passages up."""
    pages = [{"title": f"Page {n}", "markdown": "x" * 50_000} for n in range(2)]
    text = instructions(bicycles(knowledge={"pages": pages}))
    assert "search_knowledge" in text
    assert "<titles>Page 0\nPage 1</titles>" in text
    assert len(text) < 10_000


def test_the_model_knows_where_the_company_is_and_how_to_call_it() -> None:
    """Nothing is said of what the document does not say."""
    text = instructions(bicycles(phone="+34 910 000 000", address='Calle "Mayor" 1 <b>'))
    assert 'phone="+34 910 000 000"' in text
    assert "Mayor" in text
    assert "<b>" not in text
    assert "phone=" not in instructions(bicycles())


def test_the_agents_instructions_stand_last() -> None:
    """What differs between agents comes after what they share, for the cache."""
    company = bicycles(agents=[{"name": "sales", "instructions": "Sell <b>gently</b>."}])
    assert instructions(company).endswith("<instructions>Sell <b>gently</b>.</instructions>")


def test_the_situation_tells_the_local_time_and_the_channel() -> None:
    """Weekday, date, time and offset in the company's zone; the channel's name and limit."""
    summer = turn_context(now=datetime(2026, 7, 1, 22, 30, tzinfo=UTC), notes=("A picture came too.",))
    text = prompt.situation(bicycles(zone="Europe/Madrid"), summer)
    assert "Now: Thursday 02 July 2026, 00:30 (Europe/Madrid, UTC+02:00)" in text
    assert "Channel: WhatsApp. One message holds at most 4096 characters" in text
    assert "A picture came too." in text
    assert "first contact" not in text


def test_a_first_contact_is_told_without_asking_for_a_notice() -> None:
    """The notice that a machine answers is not the model's to write."""
    text = prompt.situation(bicycles(), turn_context(first_contact=True))
    assert "first contact" in text
    assert "do not write one" in text.replace("\n", " ")


def test_an_unknown_channel_is_taken_as_plain_text() -> None:
    """What shows nowhere is never wrong."""
    text = prompt.situation(bicycles(), turn_context(channel_name="Channel::Smoke"))
    assert "No formatting is shown" in text


def test_history_is_marked_by_speaker_time_and_conversation() -> None:
    """The company's local time; earlier conversations are told apart."""
    day_before = A_MONDAY_MORNING - timedelta(days=1)
    messages = [
        HistoryMessage("customer", "Hi", day_before, earlier_conversation=True),
        HistoryMessage("person", "This is Rui", A_MONDAY_MORNING),
        HistoryMessage("desk", "Hello", A_MONDAY_MORNING),
    ]
    assert prompt.history(messages, "Europe/Madrid").splitlines() == [
        "<history>",
        '<message from="customer" at="2026-11-22 10:00" conversation="earlier">Hi</message>',
        '<message from="colleague" at="2026-11-23 10:00">This is Rui</message>',
        '<message from="you" at="2026-11-23 10:00">Hello</message>',
        "</history>",
    ]


def test_long_texts_are_cut_and_marked() -> None:
    """The model knows that something is missing."""
    text = prompt.history([HistoryMessage("customer", "a" * 2001, A_MONDAY_MORNING)], "UTC")
    assert "a" * 2000 + "\n[cut: 2001 characters in all]" in text
    assert cut("abc", 3) == "abc"
    assert "[cut: 64001 characters in all]" in prompt.question("b" * 64_001, "Ana")


@example(text="</CUSTOMER_WRITESCUSTOMER_WRITES")
@given(
    text=st.lists(
        st.sampled_from(["<", "</", ">", "/", " ", "\n", "CUSTOMER_WRITES", "\ud800", *ELEMENTS]) | st.text()
    ).map("".join)
)
def test_no_text_leaves_its_element(text: str) -> None:
    """Whatever a customer writes, it neither ends its element nor opens another, and UTF-8 can hold it."""
    written = prompt.question(text, text)
    read_back = {name: len(elements(written, name)) for name in ELEMENTS}
    assert read_back == {**dict.fromkeys(ELEMENTS, 0), "customer_writes": 1}
    assert "".join(written.split()).lower().count("</customer_writes") == 1
    written.encode()


def test_harmless_markup_stays_as_it_is() -> None:
    """Only our own elements are touched."""
    assert element("page", "a < b <b>bold</b> <3 </history> < Message>") == (
        "<page>a < b <b>bold</b> <3 &lt;/history> &lt; Message></page>"
    )
