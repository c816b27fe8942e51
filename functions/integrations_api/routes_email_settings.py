"""A company's e-mail: whom it does not write to, its templates, its providers' secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from functions.integrations_api.routing import Answer, Route, require_company_id
from shared.companies.base import LanguageTag, Part
from shared.companies.email import TemplateName  # noqa: TC001 - the same
from shared.email.addresses import Address  # noqa: TC001 - the same
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call

LONGEST_SECRET = 4_096
SecretText = Annotated[str, Field(min_length=1, max_length=LONGEST_SECRET)]
_PREFIX = "/api/companies/{company_id}/email"


class SuppressionRequest(Part):
    """What ``POST …/email/suppressions`` takes."""

    address: Address
    reason: Literal["asked", "bounced", "complained", "unsubscribed"] = "asked"


class AddressRequest(Part):
    """What ``POST …/email/suppressions/remove`` takes: in the body, because paths are logged on the way."""

    address: Address


class PreviewRequest(Part):
    """What ``POST …/email/preview`` takes."""

    template: TemplateName
    language: LanguageTag | None = None
    values: dict[str, Any] = Field(default_factory=dict)


class SecretRequest(Part):
    """What ``PUT …/email/secrets/{provider_id}`` takes."""

    secret: SecretText | None = None
    webhook_key: SecretText | None = None

    @model_validator(mode="after")
    def _something(self) -> SecretRequest:
        if self.secret is None and self.webhook_key is None:
            raise ValueError("must have a secret or a webhook_key")
        return self


def list_suppressions(call: Call) -> Answer:
    """By address."""
    limit, cursor = call.page()
    company_id = _existing(call)
    found = call.services.email.suppressions.all(company_id, limit, cursor or "")
    lines = [
        {
            "address": one.address,
            "reason": one.reason,
            "since": one.since.isoformat(timespec="seconds"),
            "email_id": one.email_id,
        }
        for one in found
    ]
    return Answer({"suppressions": lines, "next_cursor": found[-1].address if len(found) == limit else None})


def add_suppression(call: Call) -> Answer:
    """The address itself is not in the trail, which outlives it."""
    given: SuppressionRequest = call.given
    email = call.services.email
    email.suppressions.add(_existing(call), given.address, given.reason, email.clock.now())
    call.audit("email.suppress", reason=given.reason)
    return Answer({"status": "suppressed"}, 201)


def remove_suppression(call: Call) -> Answer:
    """Whether or not it stood there."""
    given: AddressRequest = call.given
    email = call.services.email
    found = email.suppressions.remove(_existing(call), given.address, email.clock.now())
    call.audit("email.unsuppress", found=found)
    return Answer({"status": "removed" if found else "not_there"})


def preview_template(call: Call) -> Answer:
    """As it will look: the company's own name, phone and address, examples where values are missing."""
    from shared.email.templates.rendering import preview  # noqa: PLC0415 - few calls need templates

    given: PreviewRequest = call.given
    company = call.services.companies.get(require_company_id(call.owner))
    own = {
        "company": {"name": company.name, "phone": company.phone},
        "appointment": {"place": company.address, "manage_url": None},
    }
    language = given.language or company.language
    shown = preview(given.template, language, company.email, own, given.values)
    return Answer({"subject": shown.subject, "html": shown.html, "text": shown.text})


def list_secrets(call: Call) -> Answer:
    """Which are stored; none is shown."""
    return Answer({"providers": call.services.email.secrets.stored(require_company_id(call.owner))})


def put_secret(call: Call) -> Answer:
    """In place of any earlier one; workers use it from the next e-mail on."""
    given: SecretRequest = call.given
    provider_id = call.request.path["provider_id"]
    stored = call.services.email.secrets.put(
        require_company_id(call.owner), provider_id, _secret(given.secret), _secret(given.webhook_key)
    )
    call.audit("email.secret.put", provider=provider_id, stored=stored)
    return Answer({"provider_id": provider_id, "stored": stored})


def delete_secret(call: Call) -> Answer:
    """Both."""
    provider_id = call.request.path["provider_id"]
    call.services.email.secrets.remove(_existing(call), provider_id)
    call.audit("email.secret.delete", provider=provider_id)
    return Answer(None, 204)


def _existing(call: Call) -> str:
    company_id = require_company_id(call.owner)
    call.services.companies.read(company_id)
    return company_id


def _secret(text: str | None) -> Secret | None:
    return Secret(text.strip()) if text else None


ROUTES = (
    Route(
        "GET", f"{_PREFIX}/suppressions", list_suppressions, "List whom a company does not write to",
        scope="read:text", answers=(200, "a page of addresses and next_cursor"),
    ),
    Route(
        "POST", f"{_PREFIX}/suppressions", add_suppression, "Write to an address no more", scope="act",
        body=SuppressionRequest, answers=(201, "suppressed"),
    ),
    Route(
        "POST", f"{_PREFIX}/suppressions/remove", remove_suppression, "Write to an address again",
        scope="act", body=AddressRequest, answers=(200, "removed, or not_there"),
    ),
    Route(
        "POST", f"{_PREFIX}/preview", preview_template, "Show a template as it will look",
        body=PreviewRequest, answers=(200, "subject, html and text"),
    ),
    Route(
        "GET", f"{_PREFIX}/secrets", list_secrets, "Say which providers' secrets are stored", scope="admin",
        answers=(200, "for each provider whether its secret and its webhook_key are there"),
    ),
    Route(
        "PUT", f"{_PREFIX}/secrets/{{provider_id}}", put_secret, "Store a provider's secret", scope="admin",
        body=SecretRequest, answers=(200, "what was stored"),
    ),
    Route(
        "DELETE", f"{_PREFIX}/secrets/{{provider_id}}", delete_secret, "Remove a provider's secrets",
        scope="admin", answers=(204, "removed"),
    ),
)  # fmt: skip
