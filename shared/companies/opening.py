"""When a company is open: hours by weekday, and days that are different."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from shared.companies.base import Part, ShortText

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

MINUTES_OF_A_DAY = 24 * 60
MINUTES_OF_A_WEEK = 7 * MINUTES_OF_A_DAY
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def minutes_of(text: str) -> int:
    """Minutes since midnight of a time such as ``09:30``; ``24:00`` is the day's end.

    Raises:
        ValueError: it is no such time.
    """
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", text)
    if found is None:
        raise ValueError("must be a time of day such as 09:30")
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _time(text: str) -> str:
    minutes_of(text)
    return text


def _day(text: str) -> str:
    try:
        parsed = date.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.isoformat() != text:
        raise ValueError("must be a day such as 2026-12-24")
    return text


TimeOfDay = Annotated[str, AfterValidator(_time)]
Day = Annotated[str, AfterValidator(_day)]


class Interval(Part):
    """One stretch of opening time on the company's wall clock.

    Where ``to`` is not later than ``from`` the stretch ends on the next day: 20:00 to 02:00.
    """

    opens: Annotated[TimeOfDay, Field(alias="from")]
    closes: Annotated[TimeOfDay, Field(alias="to")]

    @property
    def start_minute(self) -> int:
        """Minutes after the midnight that begins the day."""
        return minutes_of(self.opens)

    @property
    def end_minute(self) -> int:
        """Minutes after the same midnight; more than a day's where it ends on the next day."""
        end = minutes_of(self.closes)
        return end if end > self.start_minute else end + MINUTES_OF_A_DAY

    @model_validator(mode="after")
    def _has_a_length(self) -> Interval:
        if self.opens in {self.closes, "24:00"}:
            raise ValueError("must end at another time than it begins; the whole day is 00:00 to 24:00")
        return self


def _apart(intervals: list[Interval]) -> list[Interval]:
    ordered = sorted(intervals, key=lambda interval: interval.start_minute)
    for earlier, later in pairwise(ordered):
        if later.start_minute < earlier.end_minute:
            raise ValueError(f"holds intervals that overlap at {later.opens}")
    return intervals


Hours = Annotated[list[Interval], Field(max_length=10), AfterValidator(_apart)]


class OpeningHours(Part):
    """The regular week. A weekday with no interval is closed; a break is a gap between two intervals."""

    monday: Hours = Field(default_factory=list)
    tuesday: Hours = Field(default_factory=list)
    wednesday: Hours = Field(default_factory=list)
    thursday: Hours = Field(default_factory=list)
    friday: Hours = Field(default_factory=list)
    saturday: Hours = Field(default_factory=list)
    sunday: Hours = Field(default_factory=list)

    def on(self, weekday: int) -> list[Interval]:
        """The intervals that begin on a weekday; Monday is 0, as in `datetime.date.weekday`."""
        intervals: list[Interval] = getattr(self, WEEKDAYS[weekday])
        return sorted(intervals, key=lambda interval: interval.start_minute)

    @model_validator(mode="after")
    def _nights_do_not_reach_into_mornings(self) -> OpeningHours:
        for weekday, name in enumerate(WEEKDAYS):
            today, tomorrow = self.on(weekday), self.on((weekday + 1) % 7)
            if today and tomorrow and today[-1].end_minute - MINUTES_OF_A_DAY > tomorrow[0].start_minute:
                raise ValueError(f"must not let the night of {name} reach into the next morning's hours")
        return self


class OpeningException(Part):
    """Days with other hours than the week says: holidays, a fair, an inventory."""

    first_day: Day
    last_day: Day | None = None
    hours: Hours = Field(default_factory=list)
    note: ShortText | None = None

    def covers(self, day: date) -> bool:
        """Whether a day of the company's calendar falls under this exception."""
        return self.first_day <= day.isoformat() <= (self.last_day or self.first_day)

    @model_validator(mode="after")
    def _runs_forward(self) -> OpeningException:
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("must not end before it begins")
        return self


def is_open(
    hours: OpeningHours, exceptions: Sequence[OpeningException], zone: ZoneInfo, moment: datetime
) -> bool:
    """Whether a company is open at a moment.

    Args:
        hours: its regular week.
        exceptions: its days with other hours; the first that covers a day counts.
        zone: the company's.
        moment: aware.
    """
    return any(
        opens <= moment < closes for opens, closes in open_times(hours, exceptions, zone, moment, moment)
    )


def open_times(
    hours: OpeningHours,
    exceptions: Sequence[OpeningException],
    zone: ZoneInfo,
    start: datetime,
    end: datetime,
) -> Iterator[tuple[datetime, datetime]]:
    """When a company opens and closes, in UTC and in order, as far as it may concern a window.

    A company opens at the first moment at which its clock shows the time of opening or a later one, and
    closes at the first moment at which it shows the time of closing or a later one. So a time that the clock
    jumps over is the moment of the jump, and of a time that comes twice the first counts (as in RFC 5545,
    section 3.3.5). Each stretch is one interval of the document; two that touch stay two.

    Args:
        hours: its regular week.
        exceptions: its days with other hours; the first that covers a day counts.
        zone: the company's.
        start: the window's start, aware.
        end: its end; whole days are told, so stretches may lie before ``start`` and after ``end``.
    """
    # A night that began yesterday may reach into today.
    day = start.astimezone(zone).date() - timedelta(days=1)
    last = end.astimezone(zone).date()
    while day <= last:
        midnight = datetime.combine(day, time())
        for one in _hours_of(hours, exceptions, day):
            opens = moment_of(midnight + timedelta(minutes=one.start_minute), zone)
            closes = moment_of(midnight + timedelta(minutes=one.end_minute), zone)
            if opens < closes:
                yield opens, closes
        day += timedelta(days=1)


def moment_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which a zone's clock shows a time or a later one.

    Args:
        wall: what the clock shows, without a zone.
        zone: whose clock.
    """
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # The clock jumps over this time. Read with the offset after the jump it lies before it, and the other
    # way round; the jump is looked for between the two, to the second.
    late = moment
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            early = middle
        else:
            late = middle
    return late


def day_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A day of a zone's calendar as moments in UTC: its begin, and the next day's."""
    midnight = datetime.combine(day, time())
    return moment_of(midnight, zone), moment_of(midnight + timedelta(days=1), zone)


def _hours_of(hours: OpeningHours, exceptions: Sequence[OpeningException], day: date) -> list[Interval]:
    different = next((one for one in exceptions if one.covers(day)), None)
    if different is None:
        return hours.on(day.weekday())
    return sorted(different.hours, key=lambda interval: interval.start_minute)
