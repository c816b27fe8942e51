"""When a company is open: hours by weekday, and days that are different."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from shared.companies.base import Part, ShortText

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

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


def is_open(hours: OpeningHours, exceptions: Sequence[OpeningException], local: datetime) -> bool:
    """Whether a company is open at a moment.

    Args:
        hours: its regular week.
        exceptions: its days with other hours; the first that covers a day counts.
        local: the moment on the company's wall clock.
    """
    minute = local.hour * 60 + local.minute
    yesterday = local.date() - timedelta(days=1)
    today_open = any(
        one.start_minute <= minute < one.end_minute for one in _hours_of(hours, exceptions, local.date())
    )
    # A night that began yesterday may reach into today.
    return today_open or any(
        minute + MINUTES_OF_A_DAY < one.end_minute for one in _hours_of(hours, exceptions, yesterday)
    )


def _hours_of(hours: OpeningHours, exceptions: Sequence[OpeningException], day: date) -> list[Interval]:
    different = next((one for one in exceptions if one.covers(day)), None)
    return hours.on(day.weekday()) if different is None else different.hours
