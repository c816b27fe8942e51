"""The company document: one validated description of a company and of how its desk behaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from shared.companies.base import (
    BRANCH,
    EmailAddress,
    LanguageTag,
    LongText,
    Part,
    PhoneNumber,
    PostalAddress,
    ShortText,
    Slug,
    Text,
    unique,
)
from shared.companies.calendars import BookingRules, CalendarSettings
from shared.companies.email import EmailSettings
from shared.companies.opening import OpeningException, OpeningHours, is_open
from shared.companies.rules import (
    Disclosure,
    HandOverRules,
    Limits,
    MediaRules,
    OutOfHours,
    Retention,
    TakeoverRules,
    WindowTemplate,
)
from shared.companies.services import Service, check_calendars

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

EVERY, LISTED = f"{BRANCH}all", f"{BRANCH}list"
Via = Literal["agent_bot", "webhook"]
# A DynamoDB item holds 400 KB; the rest is for the item's other attributes.
MAX_DOCUMENT_BYTES = 350_000
MAX_INBOXES = 500
DEFAULT_TOOLS = ("hand_over", "search_knowledge")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        known = False  # no such zone, a path that leads out of the database, the name of a folder
    else:
        known = name not in {"", "localtime"}
    if not known:
        raise ValueError("must be a time zone of the IANA list, such as Europe/Madrid")
    return name


def _return_url(text: str) -> str:
    """An address of the company's own pages; plain http only on the machine itself."""
    parts = urlsplit(text)  # of what it refuses, it says ValueError itself
    host = parts.hostname or ""
    private = parts.scheme == "http" and host in {"127.0.0.1", "localhost", "::1"}
    plain = text.isascii() and text.isprintable() and not set(text) & set(" \\\"'<>")
    beyond = parts.query or parts.fragment or "?" in text or "#" in text or parts.port == 0
    if not host or beyond or not plain or parts.username is not None or text.endswith("/"):
        raise ValueError("must be an address such as https://app.example, without query or slash at its end")
    if parts.scheme != "https" and not private:
        raise ValueError("must begin with https://")
    return text


ReturnUrl = Annotated[str, Field(max_length=500), AfterValidator(_return_url)]
Zone = Annotated[str, AfterValidator(_zone)]


class InboxRule(Part):
    """One inbox of the company, and who sends us its events."""

    id: Annotated[int, Field(ge=1, le=2**53)]
    via: Via = "webhook"


def _branch(value: object) -> str | None:
    if isinstance(value, list):
        return LISTED
    return EVERY if value == "all" else None


Inboxes = Annotated[
    Annotated[Literal["all"], Tag(EVERY)]
    | Annotated[list[InboxRule], Field(max_length=MAX_INBOXES), Tag(LISTED)],
    Discriminator(
        _branch, custom_error_type="inboxes", custom_error_message="must be 'all' or a list of inboxes"
    ),
]


class KnowledgeEntry(Part):
    """A question that customers ask, and its answer."""

    question: Text
    answer: LongText


class KnowledgePage(Part):
    """A page of text in Markdown."""

    title: ShortText
    markdown: LongText


class Knowledge(Part):
    """What the desk knows of the company beyond its services."""

    entries: list[KnowledgeEntry] = Field(default_factory=list, max_length=2_000)
    pages: list[KnowledgePage] = Field(default_factory=list, max_length=200)


class Agent(Part):
    """One of the desk's roles. Where there are several, a routing step chooses by their descriptions."""

    name: Slug
    description: Text = "Answers customers' questions about the company and its services."
    instructions: LongText = "Be brief and friendly. Say only what the company's information supports."
    tools: list[Slug] = Field(default_factory=lambda: list(DEFAULT_TOOLS), max_length=50)
    model: ShortText | None = None

    @field_validator("tools")
    @classmethod
    def _tools_once(cls, tools: list[str]) -> list[str]:
        unique(tools, "tool")
        return tools


class Company(Part):
    """The whole document. Its id is not part of it, so that it can be written under another id."""

    name: ShortText
    zone: Zone
    language: LanguageTag
    # What customers may be told: in e-mails, invitations and answers.
    phone: PhoneNumber | None = None
    address: PostalAddress | None = None
    mode: Literal["live", "shadow", "off"] = "live"
    inboxes: Inboxes = "all"
    default_via: Via = "webhook"
    opening_hours: OpeningHours | None = None
    opening_exceptions: list[OpeningException] = Field(default_factory=list, max_length=400)
    services: list[Service] = Field(default_factory=list, max_length=500)
    knowledge: Knowledge = Knowledge()
    agents: list[Agent] = Field(
        default_factory=lambda: [Agent(name="frontdesk")], min_length=1, max_length=20
    )
    disclosure: Disclosure = Disclosure()
    hand_over: HandOverRules = HandOverRules()
    quiet_window_seconds: Annotated[float, Field(ge=0, le=30)] = 4.0
    quiet_cap_seconds: Annotated[float, Field(ge=0, le=60)] = 12.0
    patience_seconds: Annotated[int, Field(ge=30, le=3_600)] = 300
    # None: messages whose webhook was lost are not looked for.
    missed_messages_max_age_hours: Annotated[int, Field(ge=1, le=72)] | None = 6
    takeover: TakeoverRules = TakeoverRules()
    out_of_hours: OutOfHours = OutOfHours()
    media: MediaRules = MediaRules()
    window_template: WindowTemplate | None = None
    email: EmailSettings = EmailSettings()
    calendars: list[CalendarSettings] = Field(default_factory=list, max_length=50)
    booking: BookingRules = BookingRules()
    staff_email: EmailAddress | None = None
    # Where a browser may be sent after an account was connected; nowhere else.
    return_urls: list[ReturnUrl] = Field(default_factory=list, max_length=10)
    retention: Retention = Retention()
    limits: Limits = Limits()

    def address_of(self, calendars: Sequence[str]) -> str:
        """Where an appointment in these calendars takes place; empty where nobody has said it.

        Args:
            calendars: their ids, the most important one first.
        """
        own = {one.id: one.address for one in self.calendars}
        named = (own[one] for one in calendars if own.get(one))
        return next(named, None) or self.address or ""

    @field_validator("inboxes")
    @classmethod
    def _inboxes_once(cls, inboxes: Literal["all"] | list[InboxRule]) -> Literal["all"] | list[InboxRule]:
        if inboxes != "all":
            unique([rule.id for rule in inboxes], "inbox")
        return inboxes

    @field_validator("services", "calendars")
    @classmethod
    def _ids_once(cls, parts: list[Any]) -> list[Any]:
        unique([part.id for part in parts], "id")
        return parts

    @field_validator("agents")
    @classmethod
    def _agents_once(cls, agents: list[Agent]) -> list[Agent]:
        unique([agent.name for agent in agents], "name")
        return agents

    @model_validator(mode="after")
    def _cap_holds_the_window(self) -> Company:
        if self.quiet_cap_seconds < self.quiet_window_seconds:
            raise ValueError("must have a quiet_cap_seconds that is not below its quiet_window_seconds")
        return self

    @model_validator(mode="after")
    def _services_find_their_calendars(self) -> Company:
        unique([f"{one.provider} {one.calendar}" for one in self.calendars], "calendar")
        check_calendars(self.services, self.calendars)
        return self

    @model_validator(mode="after")
    def _notices_reach_somebody(self) -> Company:
        wanted = self.hand_over.notify_by_email
        if wanted == "never":
            return self
        because = f"because its hand_over.notify_by_email is {wanted!r}"
        if self.staff_email is None:
            raise ValueError(f"must have a staff_email, {because}")
        if not self.email.providers:
            raise ValueError(f"must have a provider of e-mail (email.providers), {because}")
        if wanted == "outside_hours" and self.opening_hours is None:
            raise ValueError(f"must have opening_hours, {because}")
        return self

    def is_closed(self, moment: datetime) -> bool:
        """Whether a moment lies outside its opening hours; without any it is never closed."""
        if self.opening_hours is None:
            return False
        return not is_open(self.opening_hours, self.opening_exceptions, ZoneInfo(self.zone), moment)

    def as_document(self) -> dict[str, Any]:
        """The document as it was given: defaults that were not written down stay out of it."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
