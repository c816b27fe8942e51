"""What a reminder says: to the customer in chat, through a channel's template, by e-mail; and to people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shared.companies.base import for_language
from shared.companies.calendars import PLACEHOLDERS
from shared.email.addresses import LONGEST_NAME
from shared.email.invitations import LONGEST_LOCATION
from shared.email.message import Templated
from shared.email.templates.values import spoken
from shared.email.templates.zones import city
from shared.email.words import flattened, line_of

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendars.appointments import Appointment
    from shared.companies.model import Company

_PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_THANKS = {
    "es": "¡Gracias por confirmar! Te esperamos el {day} a las {time}.",
    "en": "Thank you for confirming! See you on {day} at {time}.",
    "pt": "Obrigado por confirmar! Esperamos por si: {day} às {time}.",
    "pt-BR": "Obrigado por confirmar! Esperamos você: {day} às {time}.",
}


@dataclass(frozen=True)
class FilledTemplate:
    """A channel's template for one appointment.

    Args:
        text: what it says, for the history.
        parameters: Chatwoot's ``template_params``.
    """

    text: str
    parameters: dict[str, Any]


def in_chat(company: Company, appointment: Appointment) -> str:
    """The reminder itself, in the company's language."""
    return _filled(company.booking.reminder_for(company.language), company, appointment)


def thanks(company: Company, appointment: Appointment) -> str:
    """The answer to a customer who says that they will come."""
    return _filled(for_language({}, company.language, _THANKS), company, appointment)


def by_template(company: Company, appointment: Appointment) -> FilledTemplate | None:
    """The company's template for closed messaging windows, or ``None`` where it has none.

    The placeholders of its text are the template's body parameters ``1``, ``2``, … in the order in which they
    stand there (Chatwoot's API, "WhatsApp Template Messages").
    """
    template = company.booking.reminder_template
    if template is None:
        return None
    values = _values(company, appointment)
    found = _PLACEHOLDER.findall(template.text)
    body = {str(number): values[name] for number, name in enumerate(found, 1)}
    parameters = {"name": template.name, "language": template.language, "category": template.category}
    processed = {"body": body} if body else {}
    text = _PLACEHOLDER.sub(lambda match: values[match[1]], template.text)
    return FilledTemplate(text, {**parameters, "processed_params": processed})


def by_email(company: Company, appointment: Appointment) -> Templated:
    """The reminder as an e-mail.

    Raises:
        InvalidInput: the customer's address is none.
    """
    return Templated.parse(
        {
            "to": [mailbox_of(appointment)],
            "template": "appointment_reminder",
            "language": company.language,
            "values": email_values(company, appointment),
        }
    )


def mailbox_of(appointment: Appointment) -> dict[str, str | None]:
    """The customer's address with their name, made to fit: it was not written for a header."""
    customer = appointment.customer
    return {"address": customer.email, "name": flattened(customer.name, LONGEST_NAME) or None}


def email_values(company: Company, appointment: Appointment) -> dict[str, dict[str, str | None]]:
    """What every template about an appointment is told."""
    values = _values(company, appointment)
    length = appointment.place.interval.end - appointment.start
    return {
        "company": {"name": values["company"], "phone": company.phone},
        "customer": {"name": appointment.customer.name},
        "appointment": {
            "service": values["service"],
            "date": values["day"],
            "time": values["time"],
            "zone": city(appointment.zone, company.language),
            "duration": f"{int(length.total_seconds()) // 60} min",
            "place": place_of(company, appointment) or None,
            "reference": appointment.id[:6].upper(),
        },
    }


def place_of(company: Company, appointment: Appointment) -> str:
    """Where it takes place, on one line: its video call, else an address; empty where nobody knows.

    Links of video calls come from others: one too long is left out.
    """
    call = line_of(appointment.conference_url)
    if call:
        return call if len(call) <= LONGEST_LOCATION else ""
    return company.address_of(appointment.place.calendars)


def moment(appointment: Appointment, language: str) -> str:
    """The appointment's day and time on the company's clock."""
    return ", ".join(moment_parts(appointment.start, appointment.zone, language))


def moment_parts(when: datetime, zone: str, language: str) -> tuple[str, str]:
    """A day and a time on the clock of a zone."""
    return spoken(when, ZoneInfo(zone), language)


def _filled(text: str, company: Company, appointment: Appointment) -> str:
    return text.format_map(_values(company, appointment))


def _values(company: Company, appointment: Appointment) -> dict[str, str]:
    day, time = spoken(appointment.start, ZoneInfo(appointment.zone), company.language)
    return {"company": company.name, "service": appointment.service_name, "day": day, "time": time}
