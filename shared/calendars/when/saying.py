"""Days and times in words: so that people understand them, and so that `reading.read` reads them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

_DAYS = {
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
}
_MONTHS = {
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "en": "January February March April May June July August September October November December",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
_DAY = {
    "es": "{weekday} {day} de {month} de {year}",
    "en": "{weekday} {day} {month} {year}",
    "pt": "{weekday}, {day} de {month} de {year}",
}
_AT = {"es": "{day} a las {time}", "en": "{day} at {time}", "pt": "{day} às {time}"}


def day_in_words(day: date, language: str) -> str:
    """A day with its weekday, such as ``martes 24 de noviembre de 2026``; languages not known are English.

    Args:
        day: the day, on whoever's calendar.
        language: a language tag such as ``es`` or ``pt-BR``.
    """
    known = _known(language)
    weekday = _DAYS[known].split()[day.weekday()]
    month = _MONTHS[known].split()[day.month - 1]
    return _DAY[known].format(weekday=weekday, day=day.day, month=month, year=day.year)


def moment_in_words(local: datetime, language: str) -> str:
    """A day and a time, such as ``martes 24 de noviembre de 2026 a las 10:00``.

    Args:
        local: on the clock of whom it is said to.
        language: a language tag.
    """
    return _AT[_known(language)].format(day=day_in_words(local.date(), language), time=f"{local:%H:%M}")


def _known(language: str) -> str:
    name = language.partition("-")[0].lower()
    return name if name in _DAYS else "en"
