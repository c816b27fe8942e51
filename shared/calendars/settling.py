"""Takes a half-done appointment to rest, from wherever its last worker left it.

Each state has one step: effects at the vendors, all of which may be repeated, and then one conditional write
that is the next state. A worker that dies loses nothing but time: whoever comes next, the same request again
or the sweeper, repeats the step. Two workers never share an appointment: each write moves its version on, and
`Writing.take` gives it to one of them until `LEASE` is over. That is longer than any call, so that an answer
that comes late finds its event before somebody else decides that there is none.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendars.appointments import UNSETTLED, Appointment, Status
from shared.calendars.events import StaffCancelled, StaffMoved
from shared.calendars.providers.contract import BookByLink, SlotTaken
from shared.calendars.reminder_rows import armed, disarmed
from shared.calendars.writing import LEASE, at_rest
from shared.platform.clock import Deadline
from shared.platform.errors import AnswerLost, FrontdeskError, GiveUp, InvalidInput, RetryLater
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.calendars.appointments import EventRef, Place
    from shared.calendars.events import Events
    from shared.calendars.intervals import Interval
    from shared.calendars.providers.contract import Event
    from shared.calendars.sheets import SheetSet
    from shared.calendars.telling import Telling
    from shared.calendars.writing import Writing
    from shared.companies.model import Company
    from shared.platform.clock import Clock

LEASE_RESERVE = timedelta(seconds=5)
# When it looks once more whether an event that was given up exists after all.
LOOK_AGAIN_AFTER = timedelta(minutes=2)
# As long as this somebody may be waiting for the answer; afterwards a new appointment or a move is undone.
WAITED_FOR = timedelta(minutes=10)
# Staff may stretch an event as they like; claims on more days than these do not fit into one transaction.
LONGEST = timedelta(days=14)


@dataclass(frozen=True)
class Settling:
    """See the module.

    Args:
        writing: writes appointments.
        events: the vendors' side.
        telling: tells customers what became of it.
        clock: time.
    """

    writing: Writing
    events: Events
    telling: Telling
    clock: Clock

    def settle(self, appointment: Appointment, company: Company, deadline: Deadline) -> Appointment:
        """Take an appointment that one has to rest.

        Raises:
            RetryLater: not now; it stays as it is, and may be settled again.
            GiveUp: a vendor refuses for good what must be done, such as to cancel an event.
        """
        steps = {
            Status.BOOKING: self._book,
            Status.LOSING: self._lose,
            Status.MOVING: self._move,
            Status.RETURNING: self._return,
            Status.CANCELLING: self._cancel,
        }
        # Time is up for this worker before somebody else may take over.
        left = deadline.within((LEASE - LEASE_RESERVE).total_seconds())
        deadline = Deadline(self.clock, left)
        while appointment.status in UNSETTLED:
            before = appointment.version
            try:
                appointment = steps[appointment.status](appointment, company, deadline)
            except FrontdeskError as problem:
                self._leave(appointment, problem)
                raise
            if appointment.version == before:
                raise AssertionError(f"no step out of {appointment.status}")
        return self.telling.tell(appointment, company)

    def _leave(self, appointment: Appointment, problem: FrontdeskError) -> None:
        log.info("a booking is left half done", status=str(appointment.status), reason=problem.reason)
        if isinstance(problem, AnswerLost):
            return  # the call may still be under way: nobody is to decide anything before the lease ends
        with suppress(RetryLater):
            self.writing.save(replace(appointment, working_until=None))

    def _book(self, appointment: Appointment, company: Company, deadline: Deadline) -> Appointment:
        if self._waited_too_long(appointment):
            return self._becomes(appointment, Status.LOSING, reason="abandoned")
        place = appointment.place
        try:
            self._require_clear(appointment, company, place, deadline)
            refs, link = self._make(appointment, company, appointment.events, deadline)
            made = replace(appointment, events=refs, conference_url=link)
            self._require_clear(made, company, place, deadline)
        except BookByLink as only:
            return self._becomes(appointment, Status.LOSING, reason="by_link", link=only.url)
        except SlotTaken as taken:
            return self._becomes(appointment, Status.LOSING, reason=taken.reason)
        except (GiveUp, InvalidInput) as refused:
            return self._becomes(appointment, Status.LOSING, reason=refused.reason)
        count("AppointmentsBooked")
        return self._confirmed(made.remembering("confirmed"), company)

    def _lose(self, appointment: Appointment, company: Company, deadline: Deadline) -> Appointment:
        self._cancel_all(appointment, company, appointment.events, deadline)
        outcome = _outcome_of(appointment.reason)
        lost = replace(appointment, status=Status.LOST, events=(), strays=appointment.events)
        count("AppointmentsLost", reason=outcome)
        return self.writing.save(
            self._look_again(lost.remembering(outcome)),
            change=lambda sheets: sheets.release(appointment.id),
        )

    def _move(self, appointment: Appointment, company: Company, deadline: Deadline) -> Appointment:
        target = _target(appointment)
        if appointment.forced == "decided":
            return self._leave_old(appointment, target, company, deadline)
        if not appointment.forced and self._waited_too_long(appointment):
            return self._becomes(appointment, Status.RETURNING, reason="abandoned")
        try:
            arrived = self._at_target(appointment, company, target, deadline)
        except StaffMoved as there:
            return self.follow(appointment, there.interval)
        except StaffCancelled:
            return self._becomes(appointment, Status.CANCELLING, ended_by="staff")
        except (GiveUp, InvalidInput) as refused:
            return self._cannot_move(appointment, refused)
        return self._decided(arrived, target, company)

    def _at_target(
        self, appointment: Appointment, company: Company, target: Place, deadline: Deadline
    ) -> Appointment:
        new, kept, dropped = _sorted_out(appointment, target)
        known = (appointment.place.interval, target.interval, *appointment.left_at)
        if not appointment.forced:
            self._require_clear(appointment, company, target, deadline)
        made, link = self._make(appointment, company, new, deadline)
        moved = tuple(self._shifted(appointment, ref, target, known, deadline) for ref in kept)
        arrived = replace(
            appointment,
            events=(*moved, *made, *dropped),
            conference_url=link or appointment.conference_url,
        )
        if not appointment.forced:
            self._require_clear(arrived, company, target, deadline)
        return arrived

    def _shifted(
        self,
        appointment: Appointment,
        ref: EventRef,
        target: Place,
        known: Sequence[Interval],
        deadline: Deadline,
    ) -> EventRef:
        if appointment.forced and not self.events.can_move(appointment.company_id, ref):
            log.warning("an event cannot follow staff's move", calendar=ref.calendar)
            return ref
        return self.events.shift(appointment, ref, target.interval, known, deadline)

    def _decided(self, arrived: Appointment, target: Place, company: Company) -> Appointment:
        if not _sorted_out(arrived, target)[2]:
            return self._arrived(arrived, target, company)
        # Once an old event is gone there is no way back, so this is written down before.
        return self.writing.save(self.writing.begun(replace(arrived, forced="decided")))

    def _leave_old(
        self, appointment: Appointment, target: Place, company: Company, deadline: Deadline
    ) -> Appointment:
        _, _, dropped = _sorted_out(appointment, target)
        self._cancel_all(appointment, company, dropped, deadline)
        stays = tuple(ref for ref in appointment.events if ref not in dropped)
        return self._arrived(replace(appointment, events=stays), target, company)

    def _cannot_move(self, appointment: Appointment, refused: FrontdeskError) -> Appointment:
        if appointment.forced:
            raise refused  # staff has moved one event already: there is no way back, only another try
        link = refused.url if isinstance(refused, BookByLink) else ""
        reason = "by_link" if link else refused.reason
        return self._becomes(appointment, Status.RETURNING, reason=reason, link=link)

    def _arrived(self, appointment: Appointment, target: Place, company: Company) -> Appointment:
        there = replace(
            appointment,
            place=target,
            target=None,
            forced="",
            sequence=appointment.sequence + 1,
            assured_at=None,
        )
        by_staff = appointment.forced == "staff"
        count("AppointmentsMoved", by="staff" if by_staff else "us")
        outcome = "changed_by_staff" if by_staff else "moved"
        return self._confirmed(there.remembering(outcome), company, came_from=appointment)

    def _return(self, appointment: Appointment, company: Company, deadline: Deadline) -> Appointment:
        target, back = _target(appointment), appointment.place.interval
        new, kept, dropped = _sorted_out(appointment, target)
        known = (back, target.interval, *appointment.left_at)
        try:
            returned = tuple(self.events.shift_back(appointment, ref, back, known, deadline) for ref in kept)
        except StaffMoved as there:
            return self.follow(appointment, there.interval)
        except StaffCancelled:
            return self._becomes(appointment, Status.CANCELLING, ended_by="staff")
        self._cancel_all(appointment, company, new, deadline)
        stays = replace(
            appointment,
            status=Status.CONFIRMED,
            target=None,
            events=(*returned, *dropped),
            strays=new,
        ).remembering(_outcome_of(appointment.reason))
        return self.writing.save(
            self._look_again(stays),
            change=lambda sheets: sheets.release(appointment.id, target.number),
            places=(appointment.place, appointment.target),
        )

    def _cancel(self, appointment: Appointment, company: Company, deadline: Deadline) -> Appointment:
        self._cancel_all(appointment, company, appointment.events, deadline)
        count("AppointmentsCancelled", by=appointment.ended_by or "system")
        over = replace(appointment, status=Status.CANCELLED, target=None, reminders=())
        rows = disarmed(appointment, appointment.reminders)
        return self.writing.save(
            self.telling.noted(at_rest(over.remembering("cancelled")), company),
            rows,
            lambda sheets: sheets.release(appointment.id),
            places=(appointment.place, appointment.target),
        )

    def follow(self, appointment: Appointment, interval: Interval) -> Appointment:
        """Go where staff moved an event: in the calendar they have the last word, also over others' time.

        Args:
            appointment: one that one has.
            interval: which time they chose.

        Raises:
            GiveUp: it is longer than an appointment can be.
        """
        if interval.end - interval.start > LONGEST:
            raise GiveUp("staff made the event longer than any appointment", reason="event_too_long")
        number = appointment.number + 1
        target = replace(appointment.place, interval=interval, number=number)
        given_up = appointment.target

        def change(sheets: SheetSet) -> None:
            if given_up is not None:
                sheets.release(appointment.id, given_up.number)
            for calendar in target.calendars:
                sheets.claim(calendar, target.entry(appointment.id))

        strays = tuple(ref for ref in appointment.events if ref.number > appointment.place.number)
        moving = replace(
            appointment,
            status=Status.MOVING,
            target=target,
            forced="staff",
            # Some events may have moved there already: that was us, not staff.
            left_at=(*appointment.left_at, given_up.interval) if given_up else appointment.left_at,
            number=number,
            ended_by="staff",
            strays=(*appointment.strays, *strays),
            events=tuple(ref for ref in appointment.events if ref not in strays),
        )
        return self.writing.save(
            self.writing.begun(moving), change=change, places=(appointment.place, target, given_up)
        )

    def look_again(self, appointment: Appointment, company: Company, deadline: Deadline) -> Appointment:
        """Cancel events that were given up and came to be after all."""
        self._cancel_all(appointment, company, appointment.strays, deadline)
        return self.writing.save(at_rest(replace(appointment, strays=())))

    def _make(
        self,
        appointment: Appointment,
        company: Company,
        refs: Sequence[EventRef],
        deadline: Deadline,
    ) -> tuple[tuple[EventRef, ...], str]:
        made: list[tuple[EventRef, Event]] = [
            self.events.make(appointment, company, ref, deadline) for ref in refs
        ]
        links = [event.conference_url for _, event in made if event.conference_url]
        return tuple(ref for ref, _ in made), links[0] if links else ""

    def _require_clear(
        self, appointment: Appointment, company: Company, place: Place, deadline: Deadline
    ) -> None:
        if not self.events.is_clear(appointment, company, place, deadline):
            raise SlotTaken("another event stands in the calendar at this time")

    def _cancel_all(
        self, appointment: Appointment, company: Company, refs: Sequence[EventRef], deadline: Deadline
    ) -> None:
        for ref in refs:
            self.events.cancel(appointment, company, ref, deadline)

    def _confirmed(
        self, appointment: Appointment, company: Company, came_from: Appointment | None = None
    ) -> Appointment:
        rows, names = armed(appointment, company.booking.reminders, self.clock.now())
        confirmed = replace(appointment, status=Status.CONFIRMED, reminders=names, held_until=None)
        rested = self._look_again(confirmed) if confirmed.strays else at_rest(confirmed)
        if came_from is None:
            return self.writing.save(self.telling.noted(rested, company), rows)
        left = came_from.place.number
        return self.writing.save(
            self.telling.noted(rested, company, came_from.place.interval),
            rows,
            lambda sheets: sheets.release(appointment.id, left),
            places=(came_from.place, came_from.target),
        )

    def _becomes(
        self,
        appointment: Appointment,
        status: Status,
        *,
        reason: str = "",
        ended_by: str = "",
        link: str = "",
    ) -> Appointment:
        changed = replace(
            appointment, status=status, reason=reason, link=link, ended_by=ended_by or appointment.ended_by
        )
        return self.writing.save(self.writing.begun(changed))

    def _waited_too_long(self, appointment: Appointment) -> bool:
        begun = appointment.begun_at or appointment.created_at
        return self.clock.now() - begun > WAITED_FOR

    def _look_again(self, appointment: Appointment) -> Appointment:
        return replace(at_rest(appointment), due_at=self.clock.now() + LOOK_AGAIN_AFTER)


def _outcome_of(reason: str) -> str:
    return {"slot_taken": "taken", "by_link": "by_link"}.get(reason, "refused")


def _target(appointment: Appointment) -> Place:
    if appointment.target is None:
        raise AssertionError("an appointment that moves knows where to")
    return appointment.target


Refs = tuple["EventRef", ...]


def _sorted_out(appointment: Appointment, target: Place) -> tuple[Refs, Refs, Refs]:
    """A moving appointment's events: those made for the target, those that move there, those that end."""
    new = tuple(ref for ref in appointment.events if ref.number == target.number)
    made_for = {ref.calendar for ref in new}
    old = [ref for ref in appointment.events if ref not in new]
    kept = tuple(ref for ref in old if ref.calendar in target.calendars and ref.calendar not in made_for)
    return new, kept, tuple(ref for ref in old if ref not in kept)
