"""How a company's e-mails are sent: as whom, through whom, and in which words.

Secrets are not part of it: the vault keeps each under the provider ``email`` and a field named like the
id in this document.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from shared.companies.base import (
    BRANCH,
    EmailAddress,
    LanguageTag,
    Part,
    ShortText,
    unique,
)

Vendor = Literal["smtp", "sendgrid", "mailgun", "ses"]
# What an e-mail is for. ``transactional``: somebody waits for it; ``reminder``: useless when late;
# ``notice``: to the company about its integrations; ``staff``: to its people about a conversation.
Kind = Literal["transactional", "reminder", "notice", "staff"]
TemplateName = Literal[
    "appointment_confirmed",
    "appointment_moved",
    "appointment_cancelled",
    "appointment_reminder",
    "reconnect_notice",
    "hand_over_notice",
    "dead_letter_notice",
]
# At which OAuth provider the account is whose tokens a preset's server takes.
_ACCOUNTS = {"gmail": "google", "outlook": "microsoft", "outlook_personal": "microsoft"}
SMTP_PORT = 25
LONGEST_HOST = 253  # RFC 1035 section 2.3.4, as text
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


def _host(name: str) -> str:
    if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name) or len(name) > LONGEST_HOST:
        raise ValueError("must be a host name in small letters, such as smtp.example.com")
    return name


def _port(port: int) -> int:
    if port == SMTP_PORT:
        raise ValueError("must not be 25, which is for servers among themselves; use 587 or 465")
    return port


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line without control characters")
    return text


Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65_535), AfterValidator(_port)]
# Names a field in the vault as well.
ProviderId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
OneLine = Annotated[ShortText, AfterValidator(_printable)]
AwsRegion = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]{2,20}){1,2}-[1-9]$")]


class SmtpProvider(Part):
    """Any mail server that takes mails from its customers (RFC 6409)."""

    id: ProviderId
    vendor: Literal["smtp"]
    preset: Literal["gmail", "outlook", "outlook_personal"] | None = None
    host: Host | None = None
    port: Port | None = None
    security: Literal["starttls", "tls"] | None = None
    auth: Literal["password", "xoauth2"] = "password"
    username: OneLine

    @model_validator(mode="after")
    def _somewhere(self) -> SmtpProvider:
        if (self.preset is None) == (self.host is None):
            raise ValueError("must have either a preset or a host")
        if self.auth == "xoauth2" and self.preset is None:
            raise ValueError(
                f"knows xoauth2 with the presets {', '.join(_ACCOUNTS)} only, elsewhere a password"
            )
        return self

    @property
    def account_at(self) -> str | None:
        """The OAuth provider whose tokens log in; ``None``: a password does."""
        return _ACCOUNTS.get(self.preset or "") if self.auth == "xoauth2" else None


class SendGridProvider(Part):
    """Twilio SendGrid's v3 API."""

    id: ProviderId
    vendor: Literal["sendgrid"]
    region: Literal["global", "eu"] = "global"


class MailgunProvider(Part):
    """Mailgun's v3 API."""

    id: ProviderId
    vendor: Literal["mailgun"]
    region: Literal["us", "eu"] = "us"
    domain: Host


class SesProvider(Part):
    """Amazon SES with an access key of the company's own account."""

    id: ProviderId
    vendor: Literal["ses"]
    region: AwsRegion
    access_key_id: Annotated[str, Field(pattern=r"^[A-Z0-9]{16,128}$")]
    configuration_set: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None


def _vendor(value: object) -> str | None:
    vendor = value.get("vendor") if isinstance(value, dict) else getattr(value, "vendor", None)
    return f"{BRANCH}{vendor}"


EmailProvider = Annotated[
    Annotated[SmtpProvider, Tag(f"{BRANCH}smtp")]
    | Annotated[SendGridProvider, Tag(f"{BRANCH}sendgrid")]
    | Annotated[MailgunProvider, Tag(f"{BRANCH}mailgun")]
    | Annotated[SesProvider, Tag(f"{BRANCH}ses")],
    Discriminator(
        _vendor,
        custom_error_type="vendor",
        custom_error_message="must be an object with a vendor: smtp, sendgrid, mailgun or ses",
    ),
]


class EmailRule(Part):
    """What is different for one kind of e-mail."""

    # None: all of the company's, in their order.
    providers: Annotated[list[ProviderId], Field(min_length=1, max_length=10)] | None = None
    from_name: OneLine | None = None
    reply_to: EmailAddress | None = None
    # An e-mail that could not be sent for so long is not sent any more.
    expires_after_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] | None = None
    # Where nobody knows whether the provider took it: a second copy now and then, or none at all.
    when_unknown: Literal["send_again", "leave"] | None = None


class TemplateTexts(Part):
    """A company's own words for a template, in one language."""

    subject: Annotated[str, Field(min_length=1, max_length=300)]
    # As newsletter tools write them. All of a company's together are bounded by its document.
    html: Annotated[str, Field(min_length=1, max_length=100_000)]
    # None: made from the HTML.
    text: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None


class EmailSettings(Part):
    """Who sends the company's e-mails, and as whom. Without providers it sends none."""

    providers: list[EmailProvider] = Field(default_factory=list, max_length=10)
    from_address: EmailAddress | None = None
    from_name: OneLine | None = None
    reply_to: EmailAddress | None = None
    rules: dict[Kind, EmailRule] = Field(default_factory=dict)
    templates: dict[TemplateName, dict[LanguageTag, TemplateTexts]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> EmailSettings:
        ids = [provider.id for provider in self.providers]
        unique(ids, "provider")
        if ids and self.from_address is None:
            raise ValueError("must have a from_address, because it has providers")
        for kind, rule in self.rules.items():
            unknown = set(rule.providers or ()) - set(ids)
            if unknown:
                raise ValueError(f"has a rule for {kind} that names no provider of its own: {min(unknown)!r}")
        return self

    def through(self, account_at: str) -> bool:
        """Whether a connected account at this OAuth provider sends the company's e-mails."""
        return any(isinstance(one, SmtpProvider) and one.account_at == account_at for one in self.providers)

    def when_unknown(self, kind: Kind) -> Literal["send_again", "leave"]:
        """What becomes of an e-mail of which nobody knows whether the provider took it.

        A reminder that comes twice is worse than one that never comes; a confirmation is not.
        """
        chosen = self.rules.get(kind, EmailRule()).when_unknown
        return chosen or ("leave" if kind == "reminder" else "send_again")

    def providers_for(self, kind: Kind) -> list[EmailProvider]:
        """The providers to try for a kind of e-mail, in their order."""
        rule = self.rules.get(kind, EmailRule())
        known = {provider.id: provider for provider in self.providers}
        return [known[one] for one in rule.providers] if rule.providers else list(self.providers)
