"""What every vendor of calendars keeps to, held against each one's simulator by the same cases."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from shared.calendars.intervals import Interval
from shared.calendars.providers.contract import EventChanged, EventExists, EventMissing, Unsupported
from shared.companies.calendars import CalendarSettings
from shared.platform.errors import AnswerLost, GiveUp, RequestNotSent, RetryLater
from tests.support.calendars import (
    COMPANY,
    EVENT_ID,
    MADRID,
    VENDORS,
    GenericVendor,
    GoogleVendor,
    Opened,
    half_hour,
    monday,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.calendars import Vendor


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    """Each vendor, with a connected company."""
    with Opened(request.param) as opened:
        yield opened


class TestEveryVendor:
    """See the module."""

    # What is free

    def test_what_staff_takes_is_not_free_and_the_half_hour_after_it_is(self, vendor: Vendor) -> None:
        """Half open: a meeting until ten leaves ten o'clock free."""
        vendor.staff_takes(monday(9), monday(10))
        assert [vendor.free(monday(9, 30)), vendor.free(monday(10))] == [False, True]

    def test_every_calendar_asked_for_is_told_or_named_as_unreadable(self, vendor: Vendor) -> None:
        """Silence would look like free time."""
        broken = vendor.break_calendar()
        found = vendor.provider.free_busy([vendor.calendar, broken], monday(9), monday(17))
        assert set(found.busy) == {vendor.calendar}
        assert set(found.unreadable) == {broken}
        assert found.unreadable[broken]
        assert broken not in found.offered

    def test_a_whole_day_is_the_calendars_own_day_also_when_clocks_change(self, vendor: Vendor) -> None:
        """Spain, 31 March 2030: the day has 23 hours; the end is exclusive."""
        if not isinstance(vendor, GoogleVendor | GenericVendor):
            pytest.skip("Calendly offers starts and tells no days")
        vendor.takes_the_day("2030-03-31", "2030-04-01")
        start, end = datetime(2030, 3, 31, tzinfo=MADRID), datetime(2030, 4, 1, tzinfo=MADRID)
        around = (start - timedelta(days=2), end + timedelta(days=2))
        found = vendor.provider.free_busy([vendor.calendar], *around)
        assert list(found.busy[vendor.calendar]) == [Interval(start, end)]
        assert Interval(start, end).end - Interval(start, end).start == timedelta(hours=23)
        listed = vendor.provider.events(vendor.calendar, *around)
        assert [one.interval for one in listed] == [Interval(start, end)]

    # Booking

    def test_a_booking_takes_its_time_and_carries_its_marks(self, vendor: Vendor) -> None:
        """It can be found again by what was wanted, and by the vendor's id."""
        wanted = vendor.booking(monday(9))
        made = vendor.provider.create(vendor.calendar, wanted)
        found = vendor.provider.get(vendor.calendar, made.id)
        assert found is not None
        assert (found.interval, found.cancelled, found.busy) == (half_hour(monday(9)), False, True)
        assert found.private["frontdesk_appointment"] == "a1"
        assert vendor.provider.find(vendor.calendar, wanted) == found
        assert (made.id == EVENT_ID) is vendor.provider.capabilities.chooses_ids
        assert not vendor.free(monday(9))

    def test_the_same_booking_is_made_once(self, vendor: Vendor) -> None:
        """A second try finds the first."""
        vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
        with pytest.raises(EventExists):
            vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))

    @pytest.mark.parametrize("fault", [{"drop_after": True}, {"status": 503}, {"drip_bytes_per_second": 1}])
    def test_a_lost_answer_is_told_and_what_happened_is_found(
        self, vendor: Vendor, fault: dict[str, object]
    ) -> None:
        """Dropped and dripping answers hide a booking; an outage hides none. Nobody knows before looking."""
        wanted = vendor.booking(monday(9))
        vendor.fault(vendor.create_method, vendor.create_path, **fault)
        with pytest.raises(AnswerLost):
            vendor.provider.create(vendor.calendar, wanted, timeout_seconds=1)
        vendor.works_again()
        found = vendor.provider.find(vendor.calendar, wanted)
        assert (found is not None) == ("status" not in fault)

    def test_another_booking_is_not_taken_for_it(self, vendor: Vendor) -> None:
        """The same customer at the same time under another id."""
        vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
        other = replace(vendor.booking(monday(9)), id="abcdefghij")
        assert vendor.provider.find(vendor.calendar, other) is None

    def test_throttled_is_certainly_not_done(self, vendor: Vendor) -> None:
        """Later, without looking first."""
        vendor.fault(vendor.create_method, vendor.create_path, status=429)
        with pytest.raises(RetryLater) as caught:
            vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
        assert (caught.value.reason, isinstance(caught.value, AnswerLost)) == ("calendar_throttled", False)

    # Moving and cancelling

    def test_a_booking_is_moved_or_the_vendor_says_that_it_cannot(self, vendor: Vendor) -> None:
        """Capabilities say so before."""
        made = vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
        to = half_hour(monday(11))
        if not vendor.provider.capabilities.moves:
            with pytest.raises(Unsupported):
                vendor.provider.move(vendor.calendar, made.id, to)
            found = vendor.provider.get(vendor.calendar, made.id)
            assert found is not None
            assert found.reschedule_url.startswith("https://")
            return
        moved = vendor.provider.move(vendor.calendar, made.id, to, etag=made.etag)
        assert moved.interval == to
        assert moved.private["frontdesk_appointment"] == "a1"
        assert [vendor.free(monday(9)), vendor.free(monday(11))] == [True, False]

    def test_what_was_changed_since_it_was_read_is_left_alone(self, vendor: Vendor) -> None:
        """Where the vendor has etags."""
        made = vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
        if not vendor.provider.capabilities.etags:
            assert made.etag == ""
            return
        moved = vendor.provider.move(vendor.calendar, made.id, half_hour(monday(11)), etag=made.etag)
        with pytest.raises(EventChanged):
            vendor.provider.move(vendor.calendar, made.id, half_hour(monday(12)), etag=made.etag)
        with pytest.raises(EventChanged):
            vendor.provider.cancel(vendor.calendar, made.id, etag=made.etag)
        vendor.provider.cancel(vendor.calendar, made.id, etag=moved.etag)

    def test_cancelling_twice_is_fine_and_frees_the_time(self, vendor: Vendor) -> None:
        """Whichever etag comes with it the second time."""
        made = vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
        for _ in range(2):
            vendor.provider.cancel(vendor.calendar, made.id, etag=made.etag)
        found = vendor.provider.get(vendor.calendar, made.id)
        assert found is None or (found.cancelled, found.busy) == (True, False)
        assert vendor.free(monday(9))
        with pytest.raises((EventMissing, Unsupported)):
            vendor.provider.move(vendor.calendar, made.id, half_hour(monday(11)))

    def test_what_never_was_is_not_there_and_is_cancelled_already(self, vendor: Vendor) -> None:
        """Nothing to repeat, nothing to tell."""
        assert vendor.provider.get(vendor.calendar, "neverwas") is None
        vendor.provider.cancel(vendor.calendar, "neverwas")

    # Failures

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_an_outage_while_reading_passes(self, vendor: Vendor, status: int) -> None:
        """And is no free calendar."""
        vendor.fault("*", vendor.busy_path, status=status)
        with pytest.raises(RetryLater):
            vendor.free(monday(9))

    def test_a_read_that_drips_ends_when_its_time_is_over(self, vendor: Vendor) -> None:
        """The whole call has a deadline, not each wait."""
        vendor.fault("*", vendor.busy_path, drip_bytes_per_second=5)
        started = time.monotonic()
        with pytest.raises(RetryLater):
            vendor.provider.free_busy([vendor.calendar], monday(9), monday(17), timeout_seconds=0.5)
        assert time.monotonic() - started < 10

    def test_nobody_listening_is_certainly_not_done(self, vendor: Vendor) -> None:
        """A refused connection had no effect; without time nothing is sent either."""
        with pytest.raises(RequestNotSent):
            vendor.provider.create(vendor.calendar, vendor.booking(monday(9)), timeout_seconds=0)

    def test_a_connection_that_is_refused_says_so_for_good(self, vendor: Vendor) -> None:
        """A person must connect again."""
        vendor.tokens.token = "stale"
        vendor.tokens.secrets = dict.fromkeys(vendor.tokens.secrets, "another-secret-than-theirs")
        with pytest.raises(GiveUp):
            vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))

    def test_companies_are_kept_apart(self, vendor: Vendor) -> None:
        """Each has its own provider, with its own connection."""
        settings = CalendarSettings.model_validate({"id": "ana", "provider": vendor.name})
        ours = vendor.providers.of(COMPANY, settings)
        assert ours is vendor.provider
        assert vendor.providers.of("taller-luna", settings) is not ours

    # Changes

    def test_changes_are_told_or_unsupported(self, vendor: Vendor) -> None:
        """Those since a token; the cancelled are among them."""
        window = (monday(0), monday(0) + timedelta(days=7))
        if not vendor.provider.capabilities.lists_events:
            with pytest.raises(Unsupported):
                vendor.provider.changes(vendor.calendar, None, *window)
            return
        made = vendor.provider.create(vendor.calendar, vendor.booking(monday(9)))
        first = vendor.provider.changes(vendor.calendar, None, *window)
        assert (first.full, [one.id for one in first.events]) == (True, [EVENT_ID])
        vendor.provider.cancel(vendor.calendar, made.id)
        since = vendor.provider.changes(vendor.calendar, first.sync_token, *window)
        assert (since.full, [(one.id, one.cancelled) for one in since.events]) == (False, [(EVENT_ID, True)])
        assert list(vendor.provider.changes(vendor.calendar, since.sync_token, *window).events) == []
