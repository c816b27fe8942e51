"""E-mails about appointments: one for each change, with an invitation that calendars understand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from icalendar import Calendar

from shared.calendars.appointments import Customer, News, Status
from shared.companies.model import Company
from shared.email.composing import filled
from shared.email.invitations import ics
from shared.email.ledger import EmailLedger
from shared.email.message import Templated
from shared.email.outbox import Outbox, read_back
from shared.email.records import as_record
from shared.reminders.appointment_emails import AppointmentEmails, as_email, series_of
from shared.reminders.words import by_email
from tests.fakes.calendar import FakeCalendars
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable
from tests.support.bookings import COMPANY, DOCUMENT, Desk, at

if TYPE_CHECKING:
    from shared.calendars.appointments import Appointment
    from shared.email.records import EmailRecord

EMAIL = {
    "providers": [{"id": "grid", "vendor": "sendgrid"}],
    "from_address": "desk@clinic.example",
}
ANA = Customer("3:481", "Ana <b>López</b>", "ana@clinic.example", "3#1#55")


class Scene:
    """A desk whose customers get e-mails.

    Args:
        changes: to the company's document.
    """

    def __init__(self, **changes: Any) -> None:  # noqa: ANN401 - of the document
        self.clock = FakeClock()
        self.table = MemoryTable()
        self.queued: list[str] = []
        self.problem: Exception | None = None
        teller = AppointmentEmails(Outbox(self.table, self, self.clock), self.clock)
        document = {"email": EMAIL, **changes}
        self.desk = Desk(vendor=FakeCalendars(), clock=self.clock, changes=document, teller=teller)

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """The queue of e-mails."""
        assert company_id == COMPANY
        del delay_seconds
        if self.problem:
            raise self.problem
        self.queued.append(email_id)

    def records(self) -> list[EmailRecord]:
        """The e-mails, oldest first."""
        found = [as_record(item) for item in self.table.scan() if "state" in item]
        return sorted(found, key=lambda one: self.queued.index(one.email_id))

    def emails(self) -> list[Templated]:
        """What they say."""
        ledger = EmailLedger(self.table, self.clock)
        found = [read_back(ledger.content(one)) for one in self.records()]
        return [one for one in found if isinstance(one, Templated)]

    def events(self) -> list[tuple[str, Any]]:
        """Each invitation's METHOD and event, as another program reads them."""
        read = [Calendar.from_ical(ics(one.invitation)) for one in self.emails() if one.invitation]
        return [(str(one["METHOD"]), one.walk("VEVENT")[0]) for one in read]


def played(scene: Scene) -> str:
    """Booked, moved and cancelled; the appointment's id."""
    booked = scene.desk.book(at(12), "laser", "b", ANA).appointment
    assert booked is not None
    scene.clock.advance(60)
    scene.desk.move(booked.id, at(13), "m", ANA.contact_id)
    scene.clock.advance(60)
    scene.desk.cancel(booked.id, "x", ANA.contact_id)
    return booked.id


def test_each_change_is_one_email_to_the_customer() -> None:
    """In the company's language, with its times, found when the customer is forgotten."""
    scene = Scene()
    played(scene)
    assert [one.template for one in scene.emails()] == [
        "appointment_confirmed", "appointment_moved", "appointment_cancelled",
    ]  # fmt: skip
    assert len(scene.queued) == len(set(scene.queued)) == 3
    assert all([to.address for to in one.to] == [ANA.email] for one in scene.emails())
    assert {str(one.contact) for one in scene.records()} == {"Contact(account_id=3, contact_id=481)"}
    assert all(one.ends_at <= at(13) for one in scene.records())
    moved = filled(scene.emails()[1], scene.desk.company)
    assert moved.subject == "Tu cita ha cambiado: martes, 24 de noviembre de 2026, 14:00"
    assert "13:00" in (moved.text or "")
    assert "<b>López" not in (moved.html or "")


def test_calendars_follow_the_appointment() -> None:
    """The same UID for life, a higher SEQUENCE each time, and at last CANCEL (RFC 5546 section 3.2)."""
    scene = Scene()
    identity = played(scene)
    events = scene.events()
    assert [method for method, _ in events] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [event["SEQUENCE"] for _, event in events] == [0, 1, 2]
    assert {str(event["UID"]) for _, event in events} == {f"{identity}@frontdesk"}
    assert [event["DTSTART"].dt for _, event in events] == [at(12), at(13), at(13)]
    assert events[0][1]["DTEND"].dt == at(13)
    assert len({event["DTSTAMP"].dt for _, event in events}) == 3
    assert str(events[0][1]["ORGANIZER"]) == "mailto:desk@clinic.example"
    assert str(events[0][1]["ATTENDEE"]) == f"mailto:{ANA.email}"


def _organizers(scene: Scene) -> list[tuple[str, str | None]]:
    """Of each invitation: whose it is, and who sends in their place."""
    return [
        (str(event["ORGANIZER"]), event["ORGANIZER"].params.get("SENT-BY")) for _, event in scene.events()
    ]


def test_who_invited_first_stays_the_organizer() -> None:
    """Whatever address the company sends from later: calendars take no change from another one."""
    scene = Scene()
    booked = scene.desk.book(at(12), "laser", "b", ANA).appointment
    assert booked is not None
    scene.desk.company = _sending_as("new@clinic.example")
    scene.desk.move(booked.id, at(13), "m", ANA.contact_id)
    scene.desk.company = _sending_as("third@clinic.example")
    scene.desk.cancel(booked.id, "x", ANA.contact_id)
    first = "mailto:desk@clinic.example"
    assert _organizers(scene) == [
        (first, None), (first, "mailto:new@clinic.example"), (first, "mailto:third@clinic.example"),
    ]  # fmt: skip


def test_the_organizer_is_kept_before_anybody_is_told() -> None:
    """An e-mail that could not be written at once is written with the address of the booking."""
    scene = Scene()
    scene.problem = EndpointConnectionError(endpoint_url="https://sqs")
    scene.desk.book(at(12), "laser", "b", ANA)
    assert scene.desk.all()[0].organizer == "desk@clinic.example"


def test_who_was_invited_by_the_calendar_first_is_invited_by_the_newest_address() -> None:
    """No invitation by e-mail went out before."""
    scene = Scene(booking={"invite_customer": True})
    booked = scene.desk.book(at(12), "laser", "b", ANA).appointment
    assert booked is not None
    assert booked.organizer == ""
    scene.desk.company = _sending_as("new@clinic.example")
    scene.desk.move(booked.id, at(13), "m", ANA.contact_id)
    assert _organizers(scene) == [("mailto:new@clinic.example", None)]


def _sending_as(address: str) -> Company:
    return Company.parse({**DOCUMENT, "email": {**EMAIL, "from_address": address}})


def test_a_request_that_comes_again_writes_no_second_email() -> None:
    """The same key."""
    scene = Scene()
    scene.desk.book(at(12), "laser", "b", ANA)
    scene.desk.book(at(12), "laser", "b", ANA)
    assert len(scene.queued) == 1


def test_an_outbox_that_is_down_stands_in_no_bookings_way() -> None:
    """It is enqueued by the sweeper, and is the same e-mail, though it was written down before."""
    scene = Scene()
    scene.problem = EndpointConnectionError(endpoint_url="https://sqs")
    assert scene.desk.book(at(12), "laser", "b", ANA).kind == "confirmed"
    scene.problem = None
    scene.clock.advance(120)
    scene.desk.sweep()
    assert [one.template for one in scene.emails()] == ["appointment_confirmed"]
    assert len(scene.queued) == 1
    [one] = scene.desk.all()
    assert (one.news, one.due_at) == (None, None)


def test_a_name_that_changed_meanwhile_makes_no_second_email(capsys: pytest.CaptureFixture[str]) -> None:
    """The first one stands, and nothing is said to have gone wrong."""
    scene = Scene()
    scene.problem = EndpointConnectionError(endpoint_url="https://sqs")
    scene.desk.book(at(12), "laser", "b", ANA)
    scene.problem = None
    scene.desk.company = Company.parse({**DOCUMENT, "email": EMAIL, "name": "Other"})
    scene.clock.advance(120)
    scene.desk.sweep()
    assert len([item for item in scene.table.scan() if "content" in item]) == 1
    assert scene.desk.all()[0].news is None
    assert "AppointmentEmailsUnwritten" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes",
    [{"email": {}}, {"booking": {"emails": False}}, {"mode": "shadow"}],
    ids=["no provider", "switched off", "shadow"],
)
def test_a_company_that_sends_no_such_emails_sends_none(changes: dict[str, Any]) -> None:
    """Nor is anything left to do."""
    scene = Scene(**changes)
    played(scene)
    assert not any("content" in item for item in scene.table.scan())
    assert scene.desk.all()[0].status == Status.CANCELLED


def test_where_no_e_mail_is_ever_sent_nothing_is_written_about_any() -> None:
    """Most companies remind in chat, and have no provider of e-mail."""
    scene = Scene(email={})
    played(scene)
    assert list(scene.table.scan()) == []


def test_an_address_that_is_none_is_no_reason_to_try_again() -> None:
    """Customers write all kinds of things."""
    scene = Scene()
    scene.desk.book(at(12), "laser", "b", Customer("3:481", "Ana", "ana@@nowhere"))
    assert (scene.emails(), scene.desk.all()[0].news) == ([], None)


@pytest.mark.parametrize("where", ["booking", "service"])
def test_who_is_invited_by_the_calendar_gets_no_second_invitation(where: str) -> None:
    """The e-mail itself they get."""
    laser = next(one for one in DOCUMENT["services"] if one["id"] == "laser")
    changes: dict[str, Any] = {"booking": {"invite_customer": True}}
    if where == "service":
        changes = {"services": [{**laser, "invite_customer": True}]}
    scene = Scene(**changes)
    played(scene)
    assert len(scene.emails()) == 3
    assert scene.events() == []


@pytest.mark.parametrize("emails", [True, False])
def test_a_reminder_that_waited_is_pointless_after_a_change(*, emails: bool) -> None:
    """Also where the company writes reminders and nothing else."""
    rules = {"emails": emails, "reminders": [{"minutes_before": 60, "by": "email"}]}
    scene = Scene(booking=rules)
    booked = scene.desk.book(at(12), "laser", "b", ANA).appointment
    assert booked is not None
    ledger, outbox = EmailLedger(scene.table, scene.clock), Outbox(scene.table, scene, scene.clock)

    def overtaken(appointment: Appointment) -> bool:
        email = by_email(scene.desk.company, appointment)
        key, series = f"r{appointment.sequence}", series_of(appointment, appointment.sequence)
        record = ledger.read(COMPANY, outbox.enqueue(COMPANY, email, key=key, series=series))
        assert record is not None
        return ledger.overtaken(record)

    assert not overtaken(booked)
    moved = scene.desk.move(booked.id, at(13), "m", ANA.contact_id).appointment
    assert moved is not None
    assert (overtaken(booked), overtaken(moved)) == (True, False)
    scene.desk.cancel(booked.id, "x", ANA.contact_id)
    assert overtaken(moved)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ana López", "Ana López"),
        ("=?utf-8?q?x?=\r\nBcc: b@x.example", "= ?utf-8?q?x?= Bcc: b@x.example"),
        ("\u202eanA <b@x.example>", "anA <b@x.example>"),
        ('"', '"'),
        ("👩\u200d⚕️ Ana", "👩\u200d⚕️ Ana"),
        ("x" * 500, "x" * 149 + "…"),
        ("", None),
        (" \n", None),
    ],
)
def test_customers_are_called_by_their_name_whatever_it_is(name: str, shown: str | None) -> None:
    """In the mail's To and in the invitation; no name stops an e-mail, and none becomes a header."""
    scene = Scene()
    scene.desk.book(at(12), "laser", "b", Customer("3:481", name, "ana@clinic.example"))
    [email] = scene.emails()
    assert [(one.address, one.name) for one in email.to] == [("ana@clinic.example", shown)]
    [(_, event)] = scene.events()
    assert str(event["attendee"]) == "mailto:ana@clinic.example"
    by_email(scene.desk.company, scene.desk.all()[0])


def test_customers_learn_where_to_go_and_whom_to_call() -> None:
    """In the mail, in its invitation, and in the reminder."""
    scene = Scene(phone="+34 910 000 000", address="Calle Mayor 1, Madrid")
    played(scene)
    confirmed = filled(scene.emails()[0], scene.desk.company)
    reminder = filled(by_email(scene.desk.company, scene.desk.all()[0]), scene.desk.company)
    for email in (confirmed, reminder):
        assert "Calle Mayor 1, Madrid" in (email.text or "")
        assert "+34 910 000 000" in (email.html or "")
    assert [str(event["location"]) for _, event in scene.events()] == ["Calle Mayor 1, Madrid"] * 3


def test_older_news_are_not_told_after_newer_ones() -> None:
    """The confirmation waited for a busy provider; by then the appointment had been moved."""
    scene = Scene()
    booked = scene.desk.book(at(12), "laser", "b", ANA).appointment
    assert booked is not None
    scene.desk.move(booked.id, at(13), "m", ANA.contact_id)
    ledger = EmailLedger(scene.table, scene.clock)
    confirmed, moved = scene.records()
    assert (ledger.overtaken(confirmed), ledger.overtaken(moved)) == (True, False)


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ("https://meet.example/?pwd=" + "a" * 1_900, "https://meet.example/?pwd=" + "a" * 1_900),
        ("https://meet.example/?pwd=" + "a" * 5_000, ""),
        ("https://meet.example/?a=?utf-8?q?x?=", "https://meet.example/?a=?utf-8?q?x?="),
        ("https://meet.example/\r\nX: y\u202e", "https://meet.example/ X: y"),
    ],
)
def test_no_link_of_a_call_stops_an_e_mail(link: str, place: str) -> None:
    """It comes from others; what cannot be shown is left out."""
    scene = Scene()
    booked = scene.desk.book(at(12), "laser", "b", ANA).appointment
    assert booked is not None
    news = News("confirmed", scene.clock.now())
    email = as_email(scene.desk.company, replace(booked, conference_url=link), news)
    assert email.invitation is not None
    assert email.invitation.location == place
    assert email.values["appointment"]["place"] == (place or None)


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("Sol\r\nATTENDEE:mailto:eve@x.com", "Láser, Sol ATTENDEE:mailto:eve@x.com"),
        ("Sol\x00\u202e", "Láser, Sol"),
        ("=?utf-8?q?x?=", "Láser, = ?utf-8?q?x?="),
    ],
)
def test_no_companys_name_stops_an_e_mail(name: str, summary: str) -> None:
    """The invitation's title is put together from names that were not written for it."""
    scene = Scene()
    booked = scene.desk.book(at(12), "laser", "b", ANA).appointment
    assert booked is not None
    company = scene.desk.company.model_copy(update={"name": name})
    email = as_email(company, booked, News("confirmed", scene.clock.now()))
    assert email.invitation is not None
    assert email.invitation.summary == summary
