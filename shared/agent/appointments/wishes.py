"""When a customer wants to come: their words, read in the right zone, held against the company's hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.calendars.intervals import Interval
from shared.calendars.when.reading import When, read
from shared.calendars.when.saying import day_in_words
from shared.companies.opening import day_of, is_open, moment_of
from shared.platform.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from datetime import date

    from shared.agent.tools.tool import ToolContext
    from shared.agent.values import JsonDict
    from shared.companies.model import Company

# How far is looked ahead where no day was named.
ANY_DAY = timedelta(days=10)
# Calendars are asked for a month at most.
LONGEST_LOOK = timedelta(days=31)


@dataclass(frozen=True)
class Wish:
    """What a customer's words say.

    Args:
        when: the words, understood.
        now: the present moment on the clock that they are meant on.
        zone: whose clock that is.
        company: for whom.
    """

    when: When
    now: datetime
    zone: ZoneInfo
    company: Company

    @property
    def problem(self) -> JsonDict | None:
        """Why no time can be looked for, as a tool's result."""
        if self.when.impossible:
            return {"status": "no_such_date", "next": "Tell the customer that this date does not exist; ask."}
        spans = self.when.spans
        if spans and all(span.last < self.now.date() for span in spans):
            return {"status": "in_the_past", "next": "Tell the customer that this day is over; ask which."}
        if len(spans) > 1:
            days = [_span_words(span.first, span.last, self.company.language) for span in spans]
            return {
                "status": "unclear_day",
                "possible_days": days,
                "next": "Ask the customer which of these days is meant.",
            }
        return None

    @property
    def window(self) -> Interval:
        """Where starts are looked for: the days that were named, else the next ones."""
        now = self.now.astimezone(UTC)
        if not self.when.spans:
            return Interval(now, now + ANY_DAY)
        span = self.when.spans[0]
        start = max(now, day_of(span.first, self.zone)[0])
        end = min(day_of(span.last, self.zone)[1], start + LONGEST_LOOK)
        return Interval(start, max(start, end))

    @property
    def one_day(self) -> date | None:
        """The day, where exactly one was named."""
        spans = self.when.spans
        return spans[0].first if len(spans) == 1 and spans[0].first == spans[0].last else None

    def admits(self, moment: datetime) -> bool:
        """Whether a moment is one that the words may mean; words that say nothing admit every one."""
        local = moment.astimezone(self.zone)
        days, times = self.when.spans, self.when.times
        if days and not any(span.first <= local.date() <= span.last for span in days):
            return False
        return (not times or local.time() in times) and self.in_part(moment)

    def in_part(self, moment: datetime) -> bool:
        """Whether a moment lies in the part of the day that was named."""
        local = moment.astimezone(self.zone).time()
        earliest, latest = self.when.earliest, self.when.latest
        return (earliest is None or local >= earliest) and (latest is None or local <= latest)

    def start_on(self, day: date) -> datetime | None:
        """The start that is meant on a day: of nine in the morning and in the evening the one that is open.

        Returns:
            In UTC; ``None`` where no time was named.
        """
        moments = [self._moment(day, one) for one in self.when.times]
        return next((one for one in moments if self._open(one)), moments[0] if moments else None)

    def _moment(self, day: date, clock: time) -> datetime:
        return moment_of(datetime.combine(day, clock), self.zone)

    def _open(self, moment: datetime) -> bool:
        hours, exceptions = self.company.opening_hours, self.company.opening_exceptions
        return hours is None or is_open(hours, exceptions, ZoneInfo(self.company.zone), moment)

    def understood(self) -> str:
        """What was understood, for the model, who may see that it is not what the customer meant."""
        when, words = self.when, []
        if when.spans:
            span = when.spans[0]
            words.append(_span_words(span.first, span.last, self.company.language))
        if when.times:
            words.append(" or ".join(f"{one:%H:%M}" for one in when.times))
        if when.earliest:
            words.append(f"from {when.earliest:%H:%M}")
        if when.latest:
            words.append(f"until {when.latest:%H:%M}")
        return ", ".join(words) or "any day, any time"


def wish_of(words: str | None, zone: str | None, context: ToolContext) -> Wish:
    """What a customer's words say.

    Args:
        words: theirs, or those of an earlier result; none: any time.
        zone: where the customer is, if they said that it is elsewhere.
        context: for whom.

    Raises:
        InvalidInput: there is no such zone.
    """
    name = zone or context.company.zone
    try:
        place = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        problem = "must be an IANA zone such as Europe/Madrid, or null"
        raise InvalidInput(f"zone {problem}", fields=(FieldError("zone", problem),)) from None
    now = context.clock.now().astimezone(place)
    return Wish(read(words or "", now, context.company.language), now, place, context.company)


def _span_words(first: date, last: date, language: str) -> str:
    one = day_in_words(first, language)
    return one if first == last else f"{one} - {day_in_words(last, language)}"
