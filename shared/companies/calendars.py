"""Which calendars a company has, and how its desk books."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.companies.base import (
    LanguageTag,
    Part,
    PostalAddress,
    ShortText,
    Slug,
    Text,
    for_language,
    unique,
)
from shared.companies.rules import WindowTemplate  # noqa: TC001 - pydantic reads it at run time

PLACEHOLDERS = ("company", "service", "day", "time")
REMINDER_TEXTS = {
    "es": "Te recordamos tu cita de {service} en {company}: {day} a las {time}. ¿Vendrás? Responde sí o no.",
    "en": "A reminder of your appointment for {service} at {company}: {day} at {time}. Will you come? Please "
    "answer yes or no.",
    "pt": "Lembramos a sua marcação de {service} em {company}: {day} às {time}. Pode vir? Responda sim ou "
    "não.",
    "pt-BR": "Lembrete do seu agendamento de {service} em {company}: {day} às {time}. Você vem? Responda sim "
    "ou não.",
}
# Google's Events page: reminders.overrides[].minutes, and at most five of them.
MOST_EVENT_REMINDERS = 5
LONGEST_EVENT_REMINDER = 40_320

GridMinutes = Annotated[int, Field(ge=1, le=24 * 60)]
NoticeMinutes = Annotated[int, Field(ge=0, le=90 * 24 * 60)]
HorizonDays = Annotated[int, Field(ge=1, le=400)]
HoldMinutes = Annotated[int, Field(ge=1, le=120)]


class CalendarSettings(Part):
    """A calendar that the desk looks into and writes appointments to."""

    id: Slug
    provider: Literal["google", "calendly", "generic"]
    calendar: ShortText = "primary"
    name: ShortText | None = None
    role: Literal["staff", "room", "other"] = "staff"
    capacity: Annotated[int, Field(ge=1, le=500)] = 1
    # Where its appointments take place, if not where the company is.
    address: PostalAddress | None = None


class EventReminderRule(Part):
    """A reminder that the calendar itself gives to whoever keeps it."""

    minutes: Annotated[int, Field(ge=0, le=LONGEST_EVENT_REMINDER)]
    method: Literal["email", "popup"] = "popup"


class CustomerReminder(Part):
    """A reminder to the customer, so long before the appointment on the company's wall clock."""

    minutes_before: Annotated[int, Field(ge=5, le=LONGEST_EVENT_REMINDER)]
    by: Literal["chat", "email"] = "chat"


def _event_reminders_once(reminders: list[EventReminderRule]) -> list[EventReminderRule]:
    unique([(one.minutes, one.method) for one in reminders], "reminder")
    return reminders


def _reminders_once(reminders: list[CustomerReminder]) -> list[CustomerReminder]:
    unique([(one.minutes_before, one.by) for one in reminders], "reminder")
    return reminders


def _placeholders(text: str) -> str:
    try:
        text.format_map(dict.fromkeys(PLACEHOLDERS, ""))
    except (KeyError, ValueError, IndexError, AttributeError):
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"may hold {known} and no other braces") from None
    return text


EventReminders = Annotated[
    list[EventReminderRule], Field(max_length=MOST_EVENT_REMINDERS), AfterValidator(_event_reminders_once)
]


class BookingRules(Part):
    """How appointments are made, where the service says nothing else."""

    slot_grid_minutes: GridMinutes = 15
    notice_minutes: NoticeMinutes = 120
    horizon_days: HorizonDays = 60
    hold_minutes: HoldMinutes = 10
    change_notice_minutes: NoticeMinutes = 0
    fresh_minutes: Annotated[int, Field(ge=1, le=240)] = 20
    conference: bool = False
    invite_customer: bool = False
    # Whether the customer gets an e-mail when an appointment is booked, moved or cancelled.
    emails: bool = True
    # None: what the calendar itself does by default.
    event_reminders: EventReminders | None = None
    reminders: Annotated[list[CustomerReminder], Field(max_length=5), AfterValidator(_reminders_once)] = (
        Field(
            default_factory=lambda: [
                CustomerReminder(minutes_before=24 * 60),
                CustomerReminder(minutes_before=2 * 60),
            ]
        )
    )
    reminder_texts: dict[LanguageTag, Annotated[Text, AfterValidator(_placeholders)]] = Field(
        default_factory=dict
    )
    reminder_template: WindowTemplate | None = None

    def reminder_for(self, language: str) -> str:
        """The reminder's text in a language, else in English, with its `PLACEHOLDERS`."""
        return for_language(self.reminder_texts, language, REMINDER_TEXTS)
