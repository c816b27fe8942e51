"""What each template is told, examples of it, and moments in the words of a language."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo

from shared.companies.email import TemplateName
from shared.email.words import without_control
from shared.platform.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_VALUE = 2_000
_ADDRESS = re.compile(r"https://\S+")
_EXAMPLE_DAY, _EXAMPLE_ZONE = datetime(2026, 11, 24, 11, 30, tzinfo=UTC), ZoneInfo("Europe/Madrid")
NAMES: tuple[TemplateName, ...] = get_args(TemplateName)
# Every value is a text; True: it must be there.
SHAPES: dict[str, dict[str, bool]] = {
    "company": {"name": True, "phone": False},
    "customer": {"name": False},
    "appointment": {
        "service": True, "date": True, "time": True, "zone": True, "duration": False, "place": False,
        "reference": False, "manage_url": False,
    },
    "previous": {"date": True, "time": True},
    "integration": {"name": True, "reason": True, "since": True, "connect_url": False},
    "conversation": {"contact": False, "channel": True, "reason": True, "url": False},
}  # fmt: skip
_APPOINTMENT = ("company", "customer", "appointment")
PARTS: dict[TemplateName, tuple[str, ...]] = {
    "appointment_confirmed": _APPOINTMENT,
    "appointment_moved": (*_APPOINTMENT, "previous"),
    "appointment_cancelled": _APPOINTMENT,
    "appointment_reminder": _APPOINTMENT,
    "reconnect_notice": ("company", "integration"),
    "hand_over_notice": ("company", "conversation"),
    "dead_letter_notice": ("company", "conversation"),
}
EXAMPLES: dict[str, dict[str, str]] = {
    "company": {"name": "Centro Luz", "phone": "+34 910 000 000"},
    "customer": {"name": "Ana López"},
    "appointment": {
        "service": "Primera consulta",
        "date": "martes, 24 de noviembre de 2026",
        "time": "12:30",
        "zone": "Madrid",
        "duration": "30 min",
        "place": "Calle Mayor 1, Madrid",
        "reference": "K7Q2",
        "manage_url": "https://desk.example.com/a/K7Q2",
    },
    "previous": {"date": "martes, 24 de noviembre de 2026", "time": "10:00"},
    "integration": {
        "name": "Google Calendar",
        "reason": "El permiso ha sido retirado.",
        "since": "lunes, 23 de noviembre de 2026, 10:00",
        "connect_url": "https://desk.example.com/connect/google",
    },
    "conversation": {
        "contact": "Ana López",
        "channel": "WhatsApp",
        "reason": "Pide hablar con una persona.",
        "url": "https://chat.example.com/app/accounts/1/conversations/7",
    },
}
# Of the examples, what nobody says in another language than their own.
_SAID = {
    ("appointment", "service"): {
        "es": "Primera consulta",
        "en": "First consultation",
        "pt": "Primeira consulta",
    },
    ("integration", "reason"): {
        "es": "El permiso ha sido retirado.",
        "en": "The permission was withdrawn.",
        "pt": "A permissão foi retirada.",
    },
    ("conversation", "reason"): {
        "es": "Pide hablar con una persona.",
        "en": "Asks for a person.",
        "pt": "Pede para falar com uma pessoa.",
    },
}
_DAYS = {
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "pt": (
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "sábado",
        "domingo",
    ),
}
_MONTHS = {
    "es": (
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
        "noviembre", "diciembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
    "pt": (
        "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
        "novembro", "dezembro",
    ),
}  # fmt: skip


def complete(name: TemplateName, values: Mapping[str, Any]) -> dict[str, dict[str, str | None]]:
    """The values of a template: what may be missing is ``None``, nothing else is in it.

    Control characters become spaces.

    Raises:
        InvalidInput: something is missing, no text, too long, or an address that is none.
    """
    problems: list[FieldError] = []
    found = {part: _part(part, values.get(part), problems) for part in PARTS[name]}
    if problems:
        first = problems[0]
        raise InvalidInput(f"{first.field} {first.problem}", fields=tuple(problems), status=422)
    return found


def _part(part: str, given: object, problems: list[FieldError]) -> dict[str, str | None]:
    known = given if isinstance(given, dict) else {}
    found: dict[str, str | None] = {}
    for key, needed in SHAPES[part].items():
        value = known.get(key)
        # A name out of a messenger may hold what no body may: that costs the character, not the mail.
        value = without_control(value) if isinstance(value, str) else value
        problem = _problem(key, value, needed=needed)
        if problem:
            problems.append(FieldError(f"values.{part}.{key}", problem))
        found[key] = value if isinstance(value, str) and value.strip() else None
    return found


def _problem(key: str, value: object, *, needed: bool) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        return "is missing" if needed else ""
    if not isinstance(value, str) or len(value) > LONGEST_VALUE:
        return f"must be a text of at most {LONGEST_VALUE} characters"
    if key.endswith("url") and not _ADDRESS.fullmatch(value):
        return "must begin with https:// and hold no spaces"
    return ""


def spoken(moment: datetime, zone: ZoneInfo, language: str) -> tuple[str, str]:
    """A moment as date and time of day in a zone, in Spanish, Portuguese or else English.

    The clock has 24 hours, but for Americans (``en-US``).
    """
    local = moment.astimezone(zone)
    base = language.split("-", 1)[0].lower()
    base = base if base in _DAYS else "en"
    day, month = _DAYS[base][local.weekday()], _MONTHS[base][local.month - 1]
    if language.lower() == "en-us":
        half = f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"  # noqa: PLR2004 - noon
        return f"{day}, {month} {local.day}, {local.year}", half
    if base == "en":
        date = f"{day}, {local.day} {month} {local.year}"
    else:
        date = f"{day}, {local.day} de {month} de {local.year}"
    return date, f"{local:%H:%M}"


def examples(language: str) -> dict[str, dict[str, str]]:
    """Values to show a template with, in its language."""
    date, time = spoken(_EXAMPLE_DAY, _EXAMPLE_ZONE, language)
    _, before = spoken(_EXAMPLE_DAY - timedelta(hours=2), _EXAMPLE_ZONE, language)
    base = language.split("-", 1)[0].lower()
    said = {
        "appointment": {"date": date, "time": time},
        "previous": {"date": date, "time": before},
        "integration": {"since": f"{date}, {before}"},
    }
    for (part, name), words in _SAID.items():
        said.setdefault(part, {})[name] = words.get(base, words["en"])
    return {part: {**values, **said.get(part, {})} for part, values in EXAMPLES.items()}
