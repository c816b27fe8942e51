"""What the OAuth flow takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from shared.companies.base import EmailAddress, Part

if TYPE_CHECKING:
    from shared.credentials.providers.contract import OAuthProvider
    from shared.platform.secret import Secret

LONGEST_URL = 500
Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]


class OAuthConnectRequest(Part):
    """What ``POST …/connect`` of every provider takes.

    ``return_to`` is one of the company's ``return_urls``: where the person's browser goes at the end.
    """

    company_id: str
    return_to: Url | None = None


class GoogleConnectRequest(OAuthConnectRequest):
    """With ``service_account`` (the JSON key as Google gave it out) there is no consent to be asked for."""

    service_account: dict[str, Any] | None = Field(default=None, repr=False, max_length=50)
    subject: EmailAddress | None = None

    @model_validator(mode="after")
    def _subject_of_what(self) -> GoogleConnectRequest:
        if self.subject is not None and self.service_account is None:
            raise ValueError("must have a subject only together with a service_account")
        return self


class CalendlyConnectRequest(OAuthConnectRequest):
    """With ``api_key`` (a personal access token) there is no consent to be asked for."""

    api_key: Annotated[str, Field(min_length=1, max_length=4_000)] | None = Field(default=None, repr=False)
    organization_uri: Url | None = None

    @model_validator(mode="after")
    def _organization_of_what(self) -> CalendlyConnectRequest:
        if self.organization_uri is not None and self.api_key is None:
            raise ValueError("must have an organization_uri only together with an api_key")
        return self


@dataclass(frozen=True)
class Invitation:
    """What a person is shown before consenting.

    Args:
        company_name: for whom the account will be used.
        language: the company's.
        provider: whose account it is about.
        account_email: the account that is connected now; empty: none.
    """

    company_name: str
    language: str
    provider: OAuthProvider
    account_email: str = ""


@dataclass(frozen=True)
class Departure:
    """Where the browser goes, and what it must come back with.

    Args:
        url: the provider's consent page; holds the state.
        browser: the value of the cookie.
    """

    url: str = field(repr=False)
    browser: Secret = field(repr=False)


@dataclass(frozen=True)
class Return:
    """What the provider sent back with the browser (RFC 6749 section 4.1.2, RFC 9207).

    Args:
        state: ours.
        code: to be exchanged.
        error: why there is none.
        issuer: who says so, where it does.
    """

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    issuer: str = ""


Outcome = Literal[
    "connected", "insufficient", "another_account", "denied", "kept", "disconnected", "unchanged", "failed"
]


@dataclass(frozen=True)
class Arrival:
    """How it ended, for a person to read.

    Args:
        outcome: ``connected``; ``insufficient`` (a permission is missing, so nothing is used);
            ``another_account`` (asks which one it shall be); ``denied`` (the person said no); ``kept``
            (the earlier account stays); ``disconnected``; ``unchanged`` (somebody else changed the
            connection meanwhile); ``failed``.
        company_id: whose.
        company_name: for whom.
        language: the company's.
        provider: whose account.
        account_email: the account that this is about.
        previous_email: the one that was connected before, where it is another.
        missing: scopes that were not granted.
        reason: why it failed, as a slug.
        return_to: where the browser may go now; empty: nowhere.
        choice: the token with which this person may still change the outcome.
        warnings: what is left to do by hand.
        left_email: the account whose access is left to be ended by hand.
    """

    outcome: Outcome
    company_id: str
    company_name: str
    language: str
    provider: OAuthProvider
    account_email: str = ""
    previous_email: str = ""
    missing: tuple[str, ...] = ()
    reason: str = ""
    return_to: str = ""
    choice: Secret | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    left_email: str = ""

    @property
    def good(self) -> bool:
        """Whether the company is connected with the account that was chosen."""
        return self.outcome in {"connected", "kept"}
