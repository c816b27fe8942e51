"""Templates filled: for sending, for a preview, and for checking what a company wrote."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import chain
from typing import TYPE_CHECKING, Any, get_args

from shared.companies.email import TemplateName, TemplateTexts
from shared.email.plain_text import plain_text
from shared.email.templates import en, es, pt, pt_br
from shared.email.templates.safe import TemplateWrong, fill
from shared.email.templates.values import EXAMPLES, NAMES, PARTS, SHAPES, complete, examples
from shared.email.templates.words import page
from shared.email.words import body as body_of
from shared.email.words import flattened
from shared.platform.errors import FieldError, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.companies.email import EmailSettings

SHIPPED = {"es": es.TEMPLATES, "en": en.TEMPLATES, "pt": pt.TEMPLATES, "pt-BR": pt_br.TEMPLATES}
LONGEST_SUBJECT = 200
LONGEST_PREVIEW = 120


@dataclass(frozen=True)
class Filled:
    """A template with its values.

    Args:
        subject: one line.
        html: a whole document.
        text: the same without HTML.
    """

    subject: str
    html: str
    text: str


def render(name: str, language: str, settings: EmailSettings, values: Mapping[str, Any]) -> Filled:
    """Fill a template, the company's own or Frontdesk's.

    Args:
        name: of the template.
        language: wanted; without its region, then English, where there is none in it.
        settings: of the company, for its own words.
        values: what the template is told, see `shared.email.templates.values`.

    Raises:
        NotFound: there is no such template.
        InvalidInput: a value is missing or wrong; `TemplateWrong`: the company's words do not work.
    """
    known = _known(name)
    source, spoken_language = source_of(known, language, settings)
    return _filled(source, spoken_language, complete(known, values))


def preview(name: str, language: str, settings: EmailSettings, *values: Mapping[str, Any]) -> Filled:
    """A template as it will look, with example values where none are given.

    Args:
        name: of the template.
        language: wanted.
        settings: of the company, for its own words.
        values: those that are known, later ones before earlier; of a part of them (``appointment``) the
            others are examples.

    Raises:
        NotFound, InvalidInput: see `render`.
    """
    shown: dict[str, Any] = {**examples(language)}
    for part, given in chain.from_iterable(one.items() for one in values):
        known = shown.get(part)
        shown[part] = {**known, **given} if isinstance(known, dict) and isinstance(given, dict) else given
    return render(name, language, settings, shown)


def source_of(name: TemplateName, language: str, settings: EmailSettings) -> tuple[TemplateTexts, str]:
    """The words that are used, and their language: for a company that wants to write its own."""
    own = settings.templates.get(name, {})
    for tag in (language, language.split("-", 1)[0], "en"):
        if tag in own:
            return own[tag], tag
        if tag in SHIPPED:
            words = SHIPPED[tag][name]
            return TemplateTexts(subject=words.subject, html=words.html()), tag
    raise NotFound(f"there is no template {name}")  # not reached: English is shipped


def check(settings: EmailSettings) -> None:
    """Try a company's own words with examples, with and without what may be missing.

    Raises:
        InvalidInput: naming each that does not work.
    """
    problems = [
        FieldError(f"email.templates.{name}.{language}", problem)
        for name, languages in settings.templates.items()
        for language, texts in languages.items()
        if (problem := _problem(name, language, texts))
    ]
    if problems:
        first = problems[0]
        raise InvalidInput(f"{first.field} {first.problem}", fields=tuple(problems), status=422)


def _problem(name: TemplateName, language: str, texts: TemplateTexts) -> str:
    full = complete(name, EXAMPLES)
    needed = {
        part: {key: EXAMPLES[part][key] for key, must in SHAPES[part].items() if must} for part in PARTS[name]
    }
    try:
        for values in (full, complete(name, needed)):
            _filled(texts, language, values)
    except TemplateWrong as error:
        return str(error)
    return ""


def _known(name: str) -> TemplateName:
    for known in NAMES:
        if name == known:
            return known
    raise NotFound(f"there is no template of that name; there are {', '.join(get_args(TemplateName))}")


def _filled(texts: TemplateTexts, language: str, values: Mapping[str, Any]) -> Filled:
    subject = flattened(fill(texts.subject, values, html=False), LONGEST_SUBJECT)
    if not subject:
        raise TemplateWrong("has a subject that is empty with some values")
    body = fill(texts.html, values, html=True)
    text = fill(texts.text, values, html=False) if texts.text else plain_text(body)
    for words in (body, text):
        _require_body(words)
    if "<html" not in body.lower():
        shown = flattened(plain_text(body), LONGEST_PREVIEW)
        body = page(body, escape(str(values["company"]["name"])), escape(shown), language)
    return Filled(subject, body, text)


def _require_body(words: str) -> None:
    try:
        body_of(words)
    except ValueError as error:
        raise TemplateWrong(str(error)) from None
