"""Days and times in customers' words, as a person at the desk would understand them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendars.when.reading import PARTS, When, read

MADRID = ZoneInfo("Europe/Madrid")
# A Wednesday.
NOW = dt.datetime(2026, 11, 25, 11, 0, tzinfo=MADRID)


def _days(found: When) -> list[str]:
    return [
        f"{span.first:%m-%d}" if span.first == span.last else f"{span.first:%m-%d}..{span.last:%m-%d}"
        for span in found.spans
    ]


def _times(found: When) -> list[str]:
    return [f"{moment:%H:%M}" for moment in found.times]


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("hoy", ["11-25"]),
        ("¿Tienen cita mañana?", ["11-26"]),
        ("MAN\u0303ANA", ["11-26"]),
        ("mañana por la mañana", ["11-26"]),
        ("pasado mañana", ["11-27"]),
        ("esta tarde", ["11-25"]),
        ("por la mañana", []),
        ("el viernes", ["11-27"]),
        ("el próximo viernes", ["11-27"]),
        ("el miércoles", ["12-02"]),
        ("este viernes", ["11-27"]),
        ("el lunes que viene", ["11-30"]),
        ("el viernes de la semana que viene", ["12-04"]),
        ("el viernes de esta semana", ["11-27"]),
        ("la semana que viene", ["11-30..12-06"]),
        ("esta semana", ["11-25..11-29"]),
        ("el fin de semana", ["11-28..11-29"]),
        ("dentro de tres días", ["11-28"]),
        ("en 2 semanas", ["12-09"]),
        ("el 3 de diciembre", ["12-03"]),
        ("3 de enero de 2027", ["01-03"]),
        ("el 15", ["12-15"]),
        ("el día 30", ["11-30"]),
        ("el 31", ["12-31"]),
        ("23/12", ["12-23"]),
        ("1/2/27", ["02-01"]),
        ("24-12-2026", ["12-24"]),
        ("24.12.2026", ["12-24"]),
        ("2026-12-01", ["12-01"]),
        ("29 de febrero", ["02-29"]),
        ("para 2 personas", []),
        ("somos 3 y vamos en coche", []),
        ("cuesta 9.50 euros", []),
        ("llámame al 612-34-56", []),
        ("tomorrow", ["11-26"]),
        ("the day after tomorrow", ["11-27"]),
        ("tonight", ["11-25"]),
        ("on Monday morning", ["11-30"]),
        ("next Monday", ["11-30"]),
        ("next Friday", ["11-27", "12-04"]),
        ("Friday of next week", ["12-04"]),
        ("December 3rd", ["12-03"]),
        ("3rd of December", ["12-03"]),
        ("in two weeks", ["12-09"]),
        ("on the 5th", ["12-05"]),
        ("amanhã", ["11-26"]),
        ("depois de amanhã", ["11-27"]),
        ("amanhã de manhã", ["11-26"]),
        ("na próxima segunda-feira", ["11-30"]),
        ("sexta à tarde", ["11-27"]),
        ("no dia 5", ["12-05"]),
        ("daqui a 3 dias", ["11-28"]),
        ("semana que vem", ["11-30..12-06"]),
    ],
)
def test_days_are_understood_as_they_are_said(words: str, days: list[str]) -> None:
    """Said on a Wednesday, in a clinic that speaks Spanish, by customers who may not."""
    assert _days(read(words, NOW)) == days


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ("a las 9", ["09:00", "21:00"]),
        ("a las 5", ["17:00", "05:00"]),
        ("a las cinco y media", ["17:30", "05:30"]),
        ("a las 10 menos cuarto", ["09:45", "21:45"]),
        ("a las 5 de la tarde", ["17:00"]),
        ("mañana a las 9 de la mañana", ["09:00"]),
        ("a las 12 de la mañana", ["12:00"]),
        ("a la una", ["13:00", "01:00"]),
        ("a las 17:30", ["17:30"]),
        ("a las 09:30", ["09:30"]),
        ("el 15 a las 9.30", ["09:30", "21:30"]),
        ("a las 17h", ["17:00"]),
        ("17 h", ["17:00"]),
        ("a las 25", []),
        ("a las 10:75", []),
        ("at 9", ["09:00", "21:00"]),
        ("3pm", ["15:00"]),
        ("12 am", ["00:00"]),
        ("12:30 p.m.", ["12:30"]),
        ("half past nine", ["09:30", "21:30"]),
        ("quarter to 9 tomorrow morning", ["08:45"]),
        ("at noon", []),
        ("às 15h30", ["15:30"]),
        ("às 9 e meia", ["09:30", "21:30"]),
        ("por 50 euros", []),
        ("tengo 34 años", []),
    ],
)
def test_times_that_leave_it_open_come_as_both_the_likelier_first(words: str, times: list[str]) -> None:
    """Opening hours decide between them; where both fit, the customer is asked."""
    assert _times(read(words, NOW)) == times


@pytest.mark.parametrize(
    ("words", "earliest", "latest"),
    [
        ("mañana después de las 5", "17:00", None),
        ("a partir de las 10", "10:00", None),
        ("antes de las 11", None, "11:00"),
        ("entre las 10 y las 12", "10:00", "12:00"),
        ("de las 4 a las 6", "16:00", "18:00"),
        ("between 11 and 1", "11:00", "13:00"),
        ("after 5pm", "17:00", None),
        ("before noon", "12:00", "15:00"),
        ("depois das 18h", "18:00", None),
        ("mañana", None, None),
    ],
)
def test_bounds_of_a_time_are_kept(words: str, earliest: str | None, latest: str | None) -> None:
    """After five is no appointment at five."""
    found = read(words, NOW)
    assert found.times == ()
    assert (
        found.earliest and f"{found.earliest:%H:%M}",
        found.latest and f"{found.latest:%H:%M}",
    ) == (earliest, latest)


@pytest.mark.parametrize(("words", "part"), [("por la tarde", "afternoon"), ("tomorrow evening", "evening")])
def test_a_part_of_the_day_is_a_wish_for_its_hours(words: str, part: str) -> None:
    """Where no clock time is named."""
    found = read(words, NOW)
    assert (found.earliest, found.latest) == PARTS[part]


def test_tomorrow_just_before_midnight_is_the_day_that_begins() -> None:
    """In the company's zone, whatever UTC says."""
    before = dt.datetime(2026, 11, 25, 23, 59, tzinfo=MADRID)
    assert _days(read("mañana a las 9", before)) == ["11-26"]
    tokyo = dt.datetime(2026, 11, 25, 15, 30, tzinfo=dt.UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    assert _days(read("mañana a las 9", tokyo)) == ["11-27", "11-26"]


def test_tomorrow_after_midnight_may_be_the_day_that_has_begun() -> None:
    """Who is still awake at one counts the night to the day before."""
    after = dt.datetime(2026, 11, 26, 1, 0, tzinfo=MADRID)
    assert _days(read("mañana a las 9", after)) == ["11-27", "11-26"]
    assert _days(read("pasado mañana", after)) == ["11-28"]


def test_a_date_that_does_not_exist_is_said_to_be_one() -> None:
    """It must not become another day silently."""
    for words in ("el 31/2", "30 de febrero", "31.11.2026", "el 45"):
        found = read(words, NOW)
        assert (found.impossible, found.spans) == (True, ()), words


def test_an_american_writes_the_month_first() -> None:
    """By the tag of the language alone: everybody else writes the day first."""
    assert _days(read("12/3", NOW, "en-US")) == ["12-03"]
    assert _days(read("12/3", NOW, "en")) == ["03-12"]
    assert _days(read("23/12", NOW, "en-US")) == ["12-23"]


def test_the_companys_language_is_tried_first() -> None:
    """The same word is a day in one language and none in another."""
    assert _days(read("a segunda", NOW, "pt")) == ["11-30"]


def test_said_on_a_sunday_next_week_begins_tomorrow() -> None:
    """Weeks begin on Monday where our customers live (ISO 8601)."""
    sunday = dt.datetime(2026, 11, 29, 12, 0, tzinfo=MADRID)
    assert _days(read("la semana que viene", sunday)) == ["11-30..12-06"]
    assert _days(read("el finde", sunday)) == ["12-05..12-06"]


_VOCABULARY = (
    "hoy mañana pasado el la las a de por que viene lunes viernes next friday tomorrow at 9 17:30 3 31/2 30 "
    "de diciembre february half past pm am semana entre y 99 2026-13-45 31 amanhã às segunda 9h30 - / : fin"
)
_WORDS = st.lists(st.sampled_from(_VOCABULARY.split()), max_size=8).map(" ".join)
_MOMENTS = st.integers(1_577_836_800, 3_786_912_000).map(
    lambda seconds: dt.datetime.fromtimestamp(seconds, MADRID)
)


@given(words=_WORDS | st.text(max_size=80), now=_MOMENTS)
def test_whatever_is_written_nothing_breaks_and_no_span_is_upside_down(words: str, now: dt.datetime) -> None:
    """Days without a year never lie in the past."""
    for language in ("es", "en-US", "pt"):
        found = read(words, now, language)
        assert all(span.first <= span.last for span in found.spans)
        if not any(character.isdigit() for character in words):
            assert all(span.last >= now.date() for span in found.spans)
