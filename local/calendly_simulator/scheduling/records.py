"""Event types, booked events and their invitees, kept as the API's own JSON.

Callers hold the simulator's lock. Each user works from nine to five, Monday to Friday, in their own zone.
"""

from __future__ import annotations

import copy
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from local.calendly_simulator.callers import bad, missing
from local.calendly_simulator.oauth import organization_uri, user_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.calendly_simulator.grants import Grants, User
    from local.movable_clock import MovableClock

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("scheduling.json").read_text("utf-8"))
BASE = "https://api.calendly.com"
OPENS, CLOSES, WORKING_DAYS = time(9), time(17), range(5)

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Taken:
    """Time of a user's that is not free."""

    start: datetime
    end: datetime
    event_uri: str = ""


@dataclass
class Booked:
    """A scheduled event with its invitee."""

    owner: User
    event: JsonDict
    invitee: JsonDict
    taken: Taken = field(init=False)

    def __post_init__(self) -> None:
        start, end = (datetime.fromisoformat(self.event[name]) for name in ("start_time", "end_time"))
        self.taken = Taken(start, end, self.event["uri"])


class Schedule:
    """What everybody offers and what is booked.

    Args:
        grants: whose users they are.
        clock: by which times are past.
    """

    def __init__(self, grants: Grants, clock: MovableClock) -> None:
        self.booked: list[Booked] = []
        self.external: dict[str, list[Taken]] = {}
        self.unreadable: set[str] = set()
        self.told: Callable[[str, Booked], None] = lambda *_: None
        self._grants = grants
        self._clock = clock
        self._types: dict[str, list[JsonDict]] = {}

    def now(self) -> datetime:
        """By the simulator's clock."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def types(self, user: User) -> list[JsonDict]:
        """A user's event types; everybody begins with those of ``scheduling.json``."""
        if user.email not in self._types:
            self._types[user.email] = [_event_type(user, one) for one in FACTS["event_types"]]
        return self._types[user.email]

    def type_named(self, uri: str) -> tuple[User, JsonDict]:
        """An event type and whose it is.

        Raises:
            ApiRefused: there is none.
        """
        for user in list(self._grants.users.values()):
            for one in self.types(user):
                if one["uri"] == uri:
                    return user, one
        raise missing()

    def starts(self, user: User, event_type: JsonDict, start: datetime, end: datetime) -> Iterator[datetime]:
        """Every start at which nothing is in the way, buffers included."""
        taken = self.taken(user)
        before, after = (timedelta(minutes=event_type[f"{name}_buffer"]) for name in ("before", "after"))
        lasts = timedelta(minutes=event_type["duration"])
        for moment in self._grid(user, event_type, start, end):
            first, last = moment - before, moment + lasts + after
            if moment > self.now() and not any(one.start < last and first < one.end for one in taken):
                yield moment

    def on_grid(self, user: User, event_type: JsonDict, moment: datetime) -> bool:
        """Whether an event of this type could ever begin then."""
        return moment in self._grid(user, event_type, moment, moment + timedelta(seconds=1))

    def _grid(self, user: User, event_type: JsonDict, start: datetime, end: datetime) -> Iterator[datetime]:
        zone, lasts = ZoneInfo(user.zone), timedelta(minutes=event_type["duration"])
        day: date = start.astimezone(zone).date()
        while day <= end.astimezone(zone).date():
            moment = datetime.combine(day, OPENS, zone).astimezone(UTC)
            closes = datetime.combine(day, CLOSES, zone).astimezone(UTC)
            while day.weekday() in WORKING_DAYS and moment + lasts <= closes:
                if start <= moment < end:
                    yield moment
                moment += timedelta(minutes=event_type["start_time_increment"])
            day += timedelta(days=1)

    def taken(self, user: User) -> list[Taken]:
        """What is in a user's calendars: booked here, or elsewhere."""
        here = [one.taken for one in self.booked if one.owner is user and one.event["status"] == "active"]
        return here + self.external.get(user.email, [])

    def book(self, user: User, event_type: JsonDict, start: datetime, given: JsonDict) -> Booked:
        """A new event; everybody who subscribed is told.

        Raises:
            ApiRefused: the time is taken, past, or was never offered.
        """
        if start not in list(self.starts(user, event_type, start, start + timedelta(seconds=1))):
            offered = self.on_grid(user, event_type, start) and start > self.now()
            code, message = (
                ("already_filled", "is already taken") if offered else ("invalid", "is not offered")
            )
            raise bad("start_time", message, code)
        booked = _booked(user, event_type, start, given, self.now())
        self.booked.append(booked)
        self.told("invitee.created", booked)
        return booked

    def cancel(self, booked: Booked, reason: str, by: str, **more: object) -> JsonDict:
        """Cancel an event; everybody who subscribed is told."""
        cancellation: JsonDict = {"canceled_by": by, "reason": reason, "canceler_type": "host", **more}
        cancellation["created_at"] = text(self.now())
        booked.event |= {"status": "canceled", "cancellation": cancellation}
        booked.invitee |= {"status": "canceled", "cancellation": cancellation}
        self.told("invitee.canceled", booked)
        return cancellation

    def reschedule(self, booked: Booked, start: datetime) -> Booked:
        """The invitee takes another time: a new event, and the old one canceled.

        Raises:
            ApiRefused: see `book`.
        """
        _, event_type = self.type_named(booked.event["event_type"])
        given = copy.deepcopy(booked.invitee) | {"old_invitee": booked.invitee["uri"]}
        new = self.book(booked.owner, event_type, start, given)
        booked.invitee |= {"rescheduled": True, "new_invitee": new.invitee["uri"]}
        self.cancel(booked, "", booked.invitee["name"], canceler_type="invitee")
        return new

    def event_named(self, number: str, user: User | None = None) -> Booked:
        """A booked event, for a user who may see it.

        Raises:
            ApiRefused: there is none.
        """
        for one in self.booked:
            seen = user is None or one.owner.organization == user.organization
            if one.event["uri"] == f"{BASE}/scheduled_events/{number}" and seen:
                return one
        raise missing()


def text(moment: datetime) -> str:
    """A moment as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _event_type(user: User, given: JsonDict) -> JsonDict:
    number = secrets.token_hex(8).upper()
    page = f"https://calendly.com/{user.number.lower()}/{given['slug']}"
    own = {"uri": f"{BASE}/event_types/{number}", "scheduling_url": page}
    profile = {"type": "User", "name": user.name, "owner": user_uri(user)}
    return {**copy.deepcopy(FACTS["new_event_type"]), **given, **own, "profile": profile}


def _booked(user: User, event_type: JsonDict, start: datetime, given: JsonDict, now: datetime) -> Booked:
    number, made = secrets.token_hex(8).upper(), {"created_at": text(now), "updated_at": text(now)}
    event = {
        "uri": f"{BASE}/scheduled_events/{number}",
        "name": event_type["name"],
        "status": "active",
        "start_time": text(start),
        "end_time": text(start + timedelta(minutes=event_type["duration"])),
        "event_type": event_type["uri"],
        "location": given.get("location"),
        "invitees_counter": {"total": 1, "active": 1, "limit": 1},
        "event_memberships": [{"user": user_uri(user), "user_email": user.email, "user_name": user.name}],
        "event_guests": [{"email": one} for one in given.get("event_guests", [])],
        "organization": organization_uri(user),
        **made,
    }
    person = secrets.token_hex(8)
    invitee = {
        "uri": f"{event['uri']}/invitees/{person}",
        "event": event["uri"],
        "status": "active",
        "email": given["email"],
        "name": given["name"],
        "timezone": given["timezone"],
        "questions_and_answers": given.get("questions_and_answers", []),
        "tracking": given.get("tracking") or dict.fromkeys(FACTS["tracking"]),
        "cancel_url": f"https://calendly.com/cancellations/{person}",
        "reschedule_url": f"https://calendly.com/reschedulings/{person}",
        "rescheduled": False,
        "old_invitee": given.get("old_invitee"),
        "new_invitee": None,
        **made,
    }
    return Booked(user, event, invitee)
