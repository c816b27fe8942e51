"""How the parts of a company document are validated, and how their errors become words."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from shared.platform.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_LISTED_ERRORS = 50

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is no field of this document",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "literal_error": "must be {expected}",
    "json_invalid": "is not valid JSON text",
}
# Pydantic puts the branch of a union into the path; the reader's document has no such step, so our branches
# are named with this mark and left out.
BRANCH = "<"
LONGEST_NAME = 80  # of a field, as errors repeat it
PHONE_DIGITS = range(3, 16)  # from a short number to the longest of E.164 (section 6)
LONGEST_EMAIL = 254  # RFC 5321 section 4.5.3.1.3, less the brackets


class Part(BaseModel):
    """A piece of the document: unknown fields are refused, nothing is converted, nothing changes later."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    @classmethod
    def parse(cls, data: object) -> Self:
        """Validate plain JSON data.

        Raises:
            InvalidInput: with every wrong field named by its path, such as ``services[2].price.currency``.
        """
        try:
            text = json.dumps(data)
        except (TypeError, ValueError, RecursionError):
            raise InvalidInput("the document is not JSON data", status=422) from None
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise invalid(error) from None


def invalid(error: ValidationError) -> InvalidInput:
    """Pydantic's complaint in the caller's words."""
    details = error.errors(include_url=False, include_input=False)
    found: dict[tuple[str, str], FieldError] = {}
    for one in details:
        place, words = path_of(one["loc"]), _words(one)
        found.setdefault((place, words), FieldError(place, words))
    named = tuple(found.values())[:MAX_LISTED_ERRORS]
    first = named[0]
    subject = first.field or "the document"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidInput(f"{subject} {first.problem}{more}", fields=named, status=422)


def path_of(location: tuple[int | str, ...]) -> str:
    """A place in the document as people write it: ``inboxes[0].id``.

    A name that the caller made up is said as it is, unless it is long or holds what nobody sees: errors are
    shown on screens and logged.
    """
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step != "[key]" and not step.startswith(BRANCH):
            name = step if step.isprintable() and len(step) <= LONGEST_NAME else "…"
            path += f".{name}" if path else name
    return path


def _words(error: ErrorDetails) -> str:
    context: dict[str, Any] = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    template = _WORDS.get(error["type"])
    return template.format_map(context) if template else error["msg"]


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _matchable(text: str) -> str:
    if not any(character.isalnum() for character in text):
        raise ValueError("must hold at least one letter or digit; it is matched by whole words")
    return text


def _language(tag: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?", tag):
        raise ValueError("must be a language tag such as es, pt-BR or zh-Hant (BCP 47)")
    return tag


def _slug(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", text):
        raise ValueError("must be 1 to 60 small letters, digits, dashes and underscores")
    return text


def _email(text: str) -> str:
    if (
        not re.fullmatch(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]+\.[^\s@<>,;\"]+", text)
        or len(text) > LONGEST_EMAIL
    ):
        raise ValueError("must be an e-mail address")
    return text


def _phone(text: str) -> str:
    digits = sum(character.isdigit() for character in text)
    if not re.fullmatch(r"\+?[0-9 \u00a0\u202f()./-]{3,40}", text) or digits not in PHONE_DIGITS:
        raise ValueError("must be a telephone number such as +34 910 000 000")
    return text


def _single_line(text: str) -> str:
    if not {unicodedata.category(one) for one in text}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"}):
        raise ValueError("must be one line without control characters")
    return text


def unique(values: list[Any], what: str) -> None:
    """Refuse a value that stands twice.

    Raises:
        ValueError: naming the value.
    """
    seen = set()
    for value in values:
        if value in seen:
            raise ValueError(f"holds the {what} {value!r} twice")
        seen.add(value)


ShortText = Annotated[str, Field(max_length=200), AfterValidator(_not_blank)]
Text = Annotated[str, Field(max_length=2_000), AfterValidator(_not_blank)]
LongText = Annotated[str, Field(max_length=60_000), AfterValidator(_not_blank)]
Phrase = Annotated[str, Field(max_length=200), AfterValidator(_matchable)]
LanguageTag = Annotated[str, AfterValidator(_language)]
Slug = Annotated[str, AfterValidator(_slug)]
PhoneNumber = Annotated[str, AfterValidator(_phone)]
PostalAddress = Annotated[
    str, Field(max_length=300), AfterValidator(_not_blank), AfterValidator(_single_line)
]
EmailAddress = Annotated[str, AfterValidator(_email)]


def for_language(texts: dict[str, str], language: str, defaults: dict[str, str]) -> str:
    """The text in a language, in the language without its region, else in English.

    The company's own texts come before the defaults at each step.
    """
    base = language.split("-", 1)[0]
    for tag in (language, base):
        for source in (texts, defaults):
            if tag in source:
                return source[tag]
    return texts.get("en") or defaults["en"]
