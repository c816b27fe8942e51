"""The words for days and times in each language, as patterns over folded text (no case, no accents).

A pattern's groups are named for what they hold; `reading` gives them their meaning. A language is one
`Vocabulary`: adding one needs no other change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLOCK = r"(?P<hour>\d{1,2})(?:\s?[:.h]\s?(?P<minute>[0-5]\d))?(?!\d|:\d)"
_HALF = r"(?:\s?(?P<half_of_day>[ap])\.?m\b\.?)?"

# A time that needs no word before it: 17:30, 9.30, 17h, 3pm.
BARE = (
    r"(?<![\d:.,/-])(?P<hour>\d{1,2})(?:\s?[:.h]\s?(?P<minute>[0-5]\d)(?![\d/-])"
    + _HALF
    + r"(?:\s?h(?:oras|s)?\b)?"
    r"|\s?h(?:oras|s)?\b|\s?(?P<half>[ap])\.?m\b\.?)"
)


def _any(words: Mapping[str, object]) -> str:
    """A pattern for one of the words, the longest first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


@dataclass(frozen=True)
class Vocabulary:
    """One language.

    Args:
        language: its tag.
        days: words for a day, as days from today.
        weekdays: names of weekdays, Monday is 0.
        months: names of months.
        numbers: words for small numbers.
        hours: words for the hours of the clock.
        hour_after: what a word must follow to be an hour.
        parts: patterns for a part of the day, with its name.
        next_week: "next week" as a span of its own, or beside a weekday.
        this_week: "this week".
        weekend: "the weekend".
        next_word: "next" before or after a weekday.
        next_is_unclear: whether "next Friday", said on a Tuesday, is in three days for some and in ten for
            others.
        in_days: "in three days", groups ``count`` and ``unit``.
        week_unit: which units of ``in_days`` are weeks.
        month_day: "3 December", groups ``day``, ``month`` and perhaps ``year``.
        day_of_month: "on the 3rd", group ``day``.
        at: "at half past nine", group ``hour`` and perhaps ``minute``, ``more`` or ``past``, ``half_of_day``.
        more: what words beside an hour add to it, in minutes.
        after: what makes a time the earliest one.
        before: what makes a time the latest one.
        between: from one time to another, groups ``from_`` and ``to``.
    """

    language: str
    days: Mapping[str, int]
    weekdays: Mapping[str, int]
    months: Mapping[str, int]
    numbers: Mapping[str, int]
    hours: Mapping[str, int]
    hour_after: str
    parts: Mapping[str, str]
    next_week: str
    this_week: str
    weekend: str
    next_word: str
    in_days: str
    week_unit: str
    month_day: tuple[str, ...]
    day_of_month: str
    at: str
    more: Mapping[str, int]
    after: str
    before: str
    between: str
    next_is_unclear: bool = False


_ES_MONTHS = {
    "enero": 1,
    "febrero": 2,
    "marzo": 3,
    "abril": 4,
    "mayo": 5,
    "junio": 6,
    "julio": 7,
    "agosto": 8,
    "septiembre": 9,
    "setiembre": 9,
    "octubre": 10,
    "noviembre": 11,
    "diciembre": 12,
}
_ES_NUMBERS = {"un": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7}
_ES_HOURS = {
    "una": 1,
    "dos": 2,
    "tres": 3,
    "cuatro": 4,
    "cinco": 5,
    "seis": 6,
    "siete": 7,
    "ocho": 8,
    "nueve": 9,
    "diez": 10,
    "once": 11,
    "doce": 12,
}
_ES_MORE = {
    "y media": 30,
    "y cuarto": 15,
    "menos cuarto": -15,
    "y veinte": 20,
    "y diez": 10,
    "menos diez": -10,
}

SPANISH = Vocabulary(
    language="es",
    days={"hoy": 0, "esta noche": 0, "esta tarde": 0, "esta manana": 0, "pasado manana": 2, "manana": 1},
    weekdays={
        "lunes": 0,
        "martes": 1,
        "miercoles": 2,
        "jueves": 3,
        "viernes": 4,
        "sabado": 5,
        "domingo": 6,
    },
    months=_ES_MONTHS,
    numbers=_ES_NUMBERS,
    hours=_ES_HOURS,
    hour_after=r"las?",
    parts={
        r"(?:por|de|en|a) la manana|esta manana|temprano": "morning",
        r"a mediodia|al mediodia|del mediodia": "midday",
        r"(?:por|de|en|a) la tarde|esta tarde": "afternoon",
        r"(?:por|de|en|a) la noche|esta noche": "evening",
    },
    next_week=r"(?:de )?la (?:semana (?:que viene|proxima|siguiente|entrante)|(?:proxima|siguiente) semana)",
    this_week=r"(?:de )?esta semana",
    weekend=r"(?:el |este |proximo )*(?:fin de semana|finde)(?: que viene)?",
    next_word=r"proximo|que viene|siguiente",
    in_days=rf"(?:en|dentro de) (?P<count>\d{{1,2}}|{_any(_ES_NUMBERS)}) (?P<unit>dias?|semanas?)",
    week_unit="semana",
    month_day=(
        rf"(?P<day>\d{{1,2}})(?: de)? (?P<month>{_any(_ES_MONTHS)})(?:(?: de| del)? (?P<year>\d{{4}}))?",
    ),
    day_of_month=r"(?:el dia|el|dia) (?P<day>\d{1,2})(?![\d:.h/]|\s?(?:am|pm|horas))",
    at=rf"\blas? {_CLOCK}(?: (?P<more>{_any(_ES_MORE)}))?(?:\s?h(?:oras|s)?\b)?{_HALF}",
    more=_ES_MORE,
    after=r"(?:a partir de|despues de|desde|pasadas)",
    before=r"(?:antes de|hasta)",
    between=r"(?:entre|de) las? (?P<from_>\d{1,2}(?::\d{2})?) (?:y|a|hasta) las? (?P<to>\d{1,2}(?::\d{2})?)",
)

_EN_MONTHS = {
    "january": 1,
    "february": 2,
    "march": 3,
    "april": 4,
    "may": 5,
    "june": 6,
    "july": 7,
    "august": 8,
    "september": 9,
    "october": 10,
    "november": 11,
    "december": 12,
    "jan": 1,
    "feb": 2,
    "mar": 3,
    "apr": 4,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "sept": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}
_EN_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_EN_HOURS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
}
_EN_ORDINAL = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_EN_NAMED = rf"(?P<month>{_any(_EN_MONTHS)})\b\.?"

ENGLISH = Vocabulary(
    language="en",
    days={
        "today": 0,
        "tonight": 0,
        "this morning": 0,
        "this afternoon": 0,
        "this evening": 0,
        "the day after tomorrow": 2,
        "day after tomorrow": 2,
        "tomorrow": 1,
    },
    weekdays={
        "monday": 0,
        "tuesday": 1,
        "wednesday": 2,
        "thursday": 3,
        "friday": 4,
        "saturday": 5,
        "sunday": 6,
    },
    months=_EN_MONTHS,
    numbers=_EN_NUMBERS,
    hours=_EN_HOURS,
    hour_after=r"at|around|about|after|before|from|by|until|past|and|between",
    parts={
        r"morning": "morning",
        r"noon|midday|lunch ?time": "midday",
        r"afternoon": "afternoon",
        r"evening|tonight|night": "evening",
    },
    next_week=r"(?:of )?next week",
    this_week=r"(?:of )?this week",
    weekend=r"(?:this |the |next )?weekend",
    next_word=r"next",
    in_days=rf"in (?P<count>\d{{1,2}}|{_any(_EN_NUMBERS)}) (?P<unit>days?|weeks?)",
    week_unit="week",
    month_day=(
        rf"{_EN_NAMED} (?:the )?{_EN_ORDINAL}\b(?:,? (?P<year>\d{{4}}))?",
        rf"{_EN_ORDINAL} (?:of )?{_EN_NAMED}(?:,? (?P<year>\d{{4}}))?",
    ),
    day_of_month=r"(?:on )?the (?P<day>\d{1,2})(?:st|nd|rd|th)",
    at=r"\b(?:(?P<past>half past|quarter past|quarter to)|at|around|about|after|before|than|from|by|until) "
    rf"{_CLOCK}(?: ?o'?clock)?{_HALF}",
    more={"half past": 30, "quarter past": 15, "quarter to": -15},
    after=r"(?:after|from|later than)",
    before=r"(?:before|by|until|earlier than)",
    between=r"(?:between|from) (?P<from_>\d{1,2}(?::\d{2})?) ?(?:and|to|-) ?(?P<to>\d{1,2}(?::\d{2})?)",
    next_is_unclear=True,
)

_PT_MONTHS = {
    "janeiro": 1,
    "fevereiro": 2,
    "marco": 3,
    "abril": 4,
    "maio": 5,
    "junho": 6,
    "julho": 7,
    "agosto": 8,
    "setembro": 9,
    "outubro": 10,
    "novembro": 11,
    "dezembro": 12,
}
_PT_NUMBERS = {
    "um": 1,
    "uma": 1,
    "dois": 2,
    "duas": 2,
    "tres": 3,
    "quatro": 4,
    "cinco": 5,
    "seis": 6,
    "sete": 7,
}
_PT_HOURS = {
    "uma": 1,
    "duas": 2,
    "tres": 3,
    "quatro": 4,
    "cinco": 5,
    "seis": 6,
    "sete": 7,
    "oito": 8,
    "nove": 9,
    "dez": 10,
    "onze": 11,
    "doze": 12,
}
_PT_MORE = {"e meia": 30, "e um quarto": 15, "e quinze": 15}

PORTUGUESE = Vocabulary(
    language="pt",
    days={
        "hoje": 0,
        "esta noite": 0,
        "esta tarde": 0,
        "esta manha": 0,
        "depois de amanha": 2,
        "amanha": 1,
    },
    weekdays={
        "segunda-feira": 0,
        "segunda": 0,
        "terca-feira": 1,
        "terca": 1,
        "quarta-feira": 2,
        "quarta": 2,
        "quinta-feira": 3,
        "quinta": 3,
        "sexta-feira": 4,
        "sexta": 4,
        "sabado": 5,
        "domingo": 6,
    },
    months=_PT_MONTHS,
    numbers=_PT_NUMBERS,
    hours=_PT_HOURS,
    hour_after=r"as|a|das|pelas|pela",
    parts={
        r"(?:de|pela|da) manha|esta manha|cedo": "morning",
        r"(?:ao|do) meio[- ]dia": "midday",
        r"(?:a|de|pela|da) tarde|esta tarde": "afternoon",
        r"(?:a|de|pela|da) noite|esta noite": "evening",
    },
    next_week=r"(?:d?a )?(?:semana que vem|(?:proxima|seguinte) semana|semana seguinte)",
    this_week=r"(?:d)?esta semana",
    weekend=r"(?:o |n?este |proximo )*fim de semana(?: que vem)?",
    next_word=r"proxim[oa]|que vem|seguinte",
    in_days=rf"(?:em|daqui a|dentro de) (?P<count>\d{{1,2}}|{_any(_PT_NUMBERS)}) (?P<unit>dias?|semanas?)",
    week_unit="semana",
    month_day=(rf"(?P<day>\d{{1,2}})(?: de)? (?P<month>{_any(_PT_MONTHS)})(?: (?:de )?(?P<year>\d{{4}}))?",),
    day_of_month=r"(?:no dia|dia) (?P<day>\d{1,2})(?![\d:.h/])",
    at=rf"\b(?:as|a|das|pelas|pela) {_CLOCK}(?:\s?h(?:oras)?\b)?(?: (?P<more>{_any(_PT_MORE)}))?{_HALF}",
    more=_PT_MORE,
    after=r"(?:a partir das|depois das|depois da)",
    before=r"(?:antes das|antes da|ate as)",
    between=r"(?:entre as|das) (?P<from_>\d{1,2}(?::\d{2})?)h? "
    r"(?:e as|e|as|ate as) (?P<to>\d{1,2}(?::\d{2})?)",
)

VOCABULARIES = (SPANISH, ENGLISH, PORTUGUESE)

# What makes a time a bound, in any language: "5pm" needs no language, the word before it has one.
AFTER = "|".join(known.after for known in VOCABULARIES)
BEFORE = "|".join(known.before for known in VOCABULARIES)
