"""Which day and which time a customer's words mean: "mañana a las 9", "next Monday in the afternoon".

A model that works out dates by itself is wrong often enough to send people to a closed door, so the words
come here. What can mean two days comes back as two, and the customer is asked. Why this is not left to a
library: docs/decisions/0020-days-in-words.md.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import TYPE_CHECKING

from shared.calendars.when.vocabulary import AFTER, BARE, BEFORE, VOCABULARIES
from shared.platform.folding import fold

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendars.when.vocabulary import Vocabulary

_WEEK = 7
_NOON = 12
_HOURS = 24
_LATE = 4  # until four in the morning, "tomorrow" may be the day that has begun already
_LIKELY_MORNING = 8  # "at nine" is rather in the morning, "at five" rather in the afternoon
_MAX_CHARACTERS = 500
# Of later days one could not reckon weeks ahead: dates end with the year 9999.
_LAST_YEAR = 9000

# From when until when a part of the day goes; it is a wish, opening hours decide.
PARTS = {
    "morning": (time(5), time(13)),
    "midday": (time(12), time(15)),
    "afternoon": (time(12), time(20, 30)),
    "evening": (time(18), time(23, 59)),
}
_ISO = re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)")
_NUMERIC = re.compile(
    # Without a year only a slash: 9.30 is a time, and 9-12 are hours.
    r"(?<![\d/.-])(?P<day>\d{1,2})(?:/(?P<month>\d{1,2})(?:/(?P<year>\d{4}|\d{2}))?"
    r"|(?P<mark>[.-])(?P<month2>\d{1,2})(?P=mark)(?P<year2>\d{4}|\d{2}))(?![\d/:h])"
)


@dataclass(frozen=True)
class Span:
    """One day or several in a row, both ends included."""

    first: date
    last: date


@dataclass(frozen=True)
class When:
    """What the words say.

    Args:
        spans: the days meant. Several: the words leave it open, the likeliest first. None: no day was named.
        times: start times meant, the likeliest first (nine in the morning or in the evening). None: any.
        earliest: not before this time of the day.
        latest: not after this time of the day.
        impossible: a date was named that does not exist.
    """

    spans: tuple[Span, ...] = ()
    times: tuple[time, ...] = ()
    earliest: time | None = None
    latest: time | None = None
    impossible: bool = False


def read(words: str, now: datetime, language: str = "es") -> When:
    """What a customer's words say about days and times.

    Args:
        words: as the customer wrote them.
        now: the present moment in the zone that the customer thinks in; its zone is what "today" means.
        language: the likeliest language; the others are tried where it finds no day.
    """
    text = " ".join(fold(words)[:_MAX_CHARACTERS].split())
    ordered = sorted(VOCABULARIES, key=lambda known: known.language != language.partition("-")[0])
    found = [_Reading(text, now, vocabulary, american=language == "en-US").result() for vocabulary in ordered]
    return max(found, key=_worth)


def _worth(found: When) -> tuple[int, bool]:
    """How much was understood; of equals `max` takes the first, which is the likeliest language."""
    return (2 if found.spans or found.impossible else 0, bool(found.times or found.earliest or found.latest))


class _Reading:
    """One reading of a text in one language; what was understood is taken out of the text."""

    def __init__(self, text: str, now: datetime, vocabulary: Vocabulary, *, american: bool) -> None:
        self._text = _hours_in_digits(text, vocabulary)
        self._now = now
        self._today = now.date()
        self._words = vocabulary
        self._american = american
        self._impossible = False
        self._part_of_today = ""

    def result(self) -> When:
        earliest, latest = self._between()
        spans = self._dates() or self._counted() or self._named_today()
        part = self._part()
        spans = spans or self._weeks() or self._named() or self._days_of_month()
        if any(span.last.year > _LAST_YEAR for span in spans):
            spans, self._impossible = (), True
        times, bound = self._times(part)
        if bound == "after":
            earliest, times = times[0], ()
        elif bound == "before":
            latest, times = times[0], ()
        if part and not times and earliest is None and latest is None:
            earliest, latest = PARTS[part]
        return When(spans, times, earliest, latest, self._impossible and not spans)

    def _take(self, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
        found = re.search(pattern, self._text)
        if found:
            self._text = f"{self._text[: found.start()]} | {self._text[found.end() :]}"
        return found

    def _between(self) -> tuple[time | None, time | None]:
        found = self._take(self._words.between)
        if not found:
            return None, None
        start, end = (_clock(*found[name].partition(":")[::2]) for name in ("from_", "to"))
        if start is None or end is None:
            return None, None
        if start.hour < _LIKELY_MORNING and end.hour < _NOON:
            start, end = _later_half(start), _later_half(end)
        elif end <= start:
            end = _later_half(end)
        return start, end

    # Days

    def _dates(self) -> tuple[Span, ...]:
        found = self._take(_ISO)
        if found:
            return self._dated(int(found["year"]), int(found["month"]), int(found["day"]))
        found = self._take(_NUMERIC)
        if found:
            day, month = int(found["day"]), int(found["month"] or found["month2"])
            if month > _NOON or (self._american and day <= _NOON):
                day, month = month, day
            return self._dated(_year(found["year"] or found["year2"]), month, day)
        for pattern in self._words.month_day:
            found = self._take(rf"\b{pattern}")
            if found:
                month = self._words.months[found["month"]]
                return self._dated(_year(found["year"]), month, int(found["day"]))
        return ()

    def _dated(self, year: int | None, month: int, day: int) -> tuple[Span, ...]:
        """A date; without a year the next one."""
        # The 29th of February may be seven years away (2097 to 2104).
        for candidate in (year,) if year else range(self._today.year, self._today.year + 9):
            try:
                found = date(candidate, month, day)
            except ValueError:
                continue
            if year or found >= self._today:
                return _one(found)
        self._impossible = True
        return ()

    def _counted(self) -> tuple[Span, ...]:
        found = self._take(rf"\b{self._words.in_days}")
        if not found:
            return ()
        count = self._words.numbers.get(found["count"]) or int(found["count"])
        weeks = found["unit"].startswith(self._words.week_unit)
        return self._in(count * (_WEEK if weeks else 1))

    def _named_today(self) -> tuple[Span, ...]:
        """Today in words that name a part of it ("this afternoon"): looked for before parts are taken out."""
        phrases = [phrase for phrase, days in self._words.days.items() if days == 0]
        found = self._take(rf"\b(?:{'|'.join(phrases)})\b")
        if not found:
            return ()
        for pattern, part in self._words.parts.items():
            if re.search(rf"\b(?:{pattern})\b", found[0]):
                self._part_of_today = part
        return self._in(0)

    def _named(self) -> tuple[Span, ...]:
        for phrase, days in sorted(self._words.days.items(), key=lambda known: -len(known[0])):
            if days and self._take(rf"\b{phrase}\b"):
                unclear = days == 1 and self._now.hour < _LATE
                return (*self._in(days), *self._in(0)) if unclear else self._in(days)
        return ()

    def _weeks(self) -> tuple[Span, ...]:
        words = self._words
        if self._take(rf"\b{words.weekend}\b"):
            saturday = self._today + timedelta((5 - self._today.weekday()) % _WEEK)
            if self._today.weekday() == 6:  # noqa: PLR2004 - Sunday
                saturday = self._today + timedelta(6)
            return (Span(saturday, saturday + timedelta(1)),)
        weekday = self._weekday()
        if weekday:
            return weekday
        monday = self._today - timedelta(self._today.weekday())
        if self._take(rf"\b{words.next_week}\b"):
            return (Span(monday + timedelta(_WEEK), monday + timedelta(2 * _WEEK - 1)),)
        if self._take(rf"\b{words.this_week}\b"):
            return (Span(self._today, monday + timedelta(_WEEK - 1)),)
        return ()

    def _weekday(self) -> tuple[Span, ...]:
        words = self._words
        names = "|".join(sorted(words.weekdays, key=len, reverse=True))
        pattern = (
            rf"\b(?P<before>(?:{words.next_word}) )?(?P<name>{names})s?\b(?P<after> (?:{words.next_word}))?"
        )
        found = self._take(pattern)
        if not found:
            return ()
        weekday = words.weekdays[found["name"]]
        if self._take(rf"\b{words.next_week}\b"):
            return self._in(_WEEK - self._today.weekday() + weekday)
        if self._take(rf"\b{words.this_week}\b"):
            return self._in(weekday - self._today.weekday()) if weekday >= self._today.weekday() else ()
        days = (weekday - self._today.weekday()) % _WEEK or _WEEK
        this_week = days + self._today.weekday() < _WEEK
        if (found["before"] or found["after"]) and words.next_is_unclear and this_week:
            return (*self._in(days), *self._in(days + _WEEK))
        return self._in(days)

    def _days_of_month(self) -> tuple[Span, ...]:
        found = self._take(rf"\b{self._words.day_of_month}")
        if not found:
            return ()
        day = int(found["day"])
        first = self._today.replace(day=1)
        for _ in range(3):
            length = monthrange(first.year, first.month)[1]
            if 1 <= day <= length and first.replace(day=day) >= self._today:
                return _one(first.replace(day=day))
            first += timedelta(length)
        self._impossible = True
        return ()

    def _in(self, days: int) -> tuple[Span, ...]:
        return _one(self._today + timedelta(days))

    # Times

    def _part(self) -> str:
        """The part of the day that is named; taken out, for Spanish says tomorrow and morning in one word."""
        if self._part_of_today:
            return self._part_of_today
        for pattern, part in self._words.parts.items():
            if self._take(rf"\b(?:{pattern})\b"):
                return part
        return ""

    def _times(self, part: str) -> tuple[tuple[time, ...], str]:
        """Start times, and whether they are a bound: ``after``, ``before`` or nothing."""
        for pattern in (self._words.at, BARE):
            for found in re.finditer(pattern, self._text):
                groups = found.groupdict()
                read_as = self._meant(groups, part)
                if read_as:
                    return read_as, self._bound(found)
        return (), ""

    def _bound(self, found: re.Match[str]) -> str:
        up_to_the_hour = self._text[: found.start("hour")]
        for name, words in (("after", AFTER), ("before", BEFORE)):
            if re.search(rf"\b(?:{words}) ?(?:las? |as |das )?$", up_to_the_hour):
                return name
        return ""

    def _meant(self, groups: dict[str, str | None], part: str) -> tuple[time, ...]:
        given = _clock(groups["hour"] or "", groups.get("minute") or "")
        if given is None:
            return ()
        minutes = self._words.more.get(groups.get("more") or groups.get("past") or "", 0)
        half = groups.get("half_of_day") or groups.get("half") or ""
        exact = given.hour > _NOON or given.hour == 0 or (groups["hour"] or "").startswith("0")
        return tuple(_moved(moment, minutes) for moment in _halves(given, half, part, exact=exact))


def _hours_in_digits(text: str, words: Vocabulary) -> str:
    pattern = rf"\b(?P<lead>(?:{words.hour_after}) )(?P<hour>{'|'.join(words.hours)})\b"
    return re.sub(pattern, lambda found: f"{found['lead']}{words.hours[found['hour']]}", text)


def _one(day: date) -> tuple[Span, ...]:
    return (Span(day, day),)


def _year(text: str | None) -> int | None:
    if not text:
        return None
    return int(text) if len(text) > 2 else 2000 + int(text)  # noqa: PLR2004 - 26 is 2026


def _clock(hour: str, minute: str) -> time | None:
    hours, minutes = int(hour), int(minute or 0)
    return time(hours, minutes) if hours < _HOURS and minutes < 60 else None  # noqa: PLR2004 - minutes


def _later_half(moment: time) -> time:
    return moment.replace(hour=moment.hour + _NOON) if moment.hour < _NOON else moment


def _halves(given: time, half: str, part: str, *, exact: bool) -> tuple[time, ...]:
    """A time on a twelve-hour clock as times of the day, the likeliest first."""
    if exact:
        return (given,)
    if half:
        return (given.replace(hour=given.hour % _NOON + (_NOON if half == "p" else 0)),)
    if part in {"afternoon", "evening"} or (part == "midday" and given.hour < _LIKELY_MORNING):
        return (_later_half(given),)
    if part or given.hour == _NOON:
        return (given,)
    both = (given, _later_half(given))
    return both if given.hour >= _LIKELY_MORNING else both[::-1]


def _moved(moment: time, minutes: int) -> time:
    total = (moment.hour * 60 + moment.minute + minutes) % (_HOURS * 60)
    return time(total // 60, total % 60)
