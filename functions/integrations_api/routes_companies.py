"""Companies: their documents, and what was done to them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from functions.integrations_api.routing import Answer, Route, require_company_id
from shared.companies.base import Part
from shared.companies.model import Company
from shared.credentials.providers.registry import PROVIDERS
from shared.platform.clock import from_epoch_milliseconds
from shared.platform.errors import InvalidInput

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call
    from shared.companies.store import CompanySummary


class TryRequest(Part):
    """What ``POST …/try`` takes: a customer's message, as it might arrive."""

    message: Annotated[str, Field(min_length=1, max_length=8_000)]
    contact_name: Annotated[str, Field(max_length=200)] = "Sandbox"
    channel: Annotated[str, Field(pattern=r"^Channel::[A-Za-z]{1,40}$")] = "Channel::WebWidget"


def list_companies(call: Call) -> Answer:
    """The operator sees all, a company itself."""
    if not call.caller.is_operator:
        stored = call.services.companies.read(call.owner)
        name, mode = stored.document["name"], stored.document.get("mode", "live")
        own = {"company_id": call.owner, "name": name, "mode": mode, "version": stored.version}
        return Answer({"companies": [own | {"updated_at": _time(stored.updated_at)}], "next_cursor": None})
    found, cursor = call.services.companies.list(*call.page())
    return Answer({"companies": [_summary(one) for one in found], "next_cursor": cursor})


def put_company(call: Call) -> Answer:
    """Write the document; 201 where it is new."""
    _check_email(call)
    expected = _expected_version(call)
    version = call.services.companies.put(call.owner, call.given, expected_version=expected)
    call.audit("company.put", version=version)
    body = {"company_id": call.owner, "version": version}
    return Answer(body, 201 if version == 1 else 200, {"ETag": f'"{version}"'})


def get_company(call: Call) -> Answer:
    """The document exactly as it was written; id and version stand outside of it."""
    stored = call.services.companies.read(require_company_id(call.owner))
    headers = {"ETag": f'"{stored.version}"', "Last-Modified": _http_time(stored.updated_at)}
    return Answer(stored.document, headers=headers)


def delete_company(call: Call) -> Answer:
    """Everything of the company goes; the document last, so that a delete cut short can be repeated."""
    services, company_id = call.services, require_company_id(call.owner)
    removed = services.credentials.stored(company_id)
    warnings = list(services.chatwoot.disconnect(company_id).warnings)
    for provider in PROVIDERS:
        warnings += services.oauth_accounts.disconnect(company_id, provider)["warnings"]
    services.api_keys.revoke_all(company_id)
    services.credentials.forget(company_id)
    services.companies.delete(company_id)
    call.audit("company.delete")
    return Answer({"status": "deleted", "warnings": warnings, "removed": removed})


def get_audit(call: Call) -> Answer:
    """Newest first."""
    records, cursor = call.services.audit.list(call.owner, *call.page())
    return Answer({"records": [asdict(record) for record in records], "next_cursor": cursor})


def get_trail(call: Call) -> Answer:
    """The operator sees what was done to anybody, a company what was done to it."""
    audit, (limit, cursor) = call.services.audit, call.page()
    everybody = call.caller.is_operator
    records, following = audit.list_all(limit, cursor) if everybody else audit.list(call.owner, limit, cursor)
    return Answer({"records": [asdict(record) for record in records], "next_cursor": following})


def try_company(call: Call) -> Answer:
    """A turn whose reply nobody gets."""
    wish: TryRequest = call.given
    sandbox = call.services.sandbox()
    return Answer(sandbox.try_out(call.owner, wish.message, wish.contact_name, wish.channel))


def _check_email(call: Call) -> None:
    company: Company = call.given
    if "email" in company.model_fields_set:
        from shared.email.checking import check_settings  # noqa: PLC0415 - few documents need templates tried

        check_settings(company, any_port=call.services.stage == "local")


def _expected_version(call: Call) -> int | None:
    """What ``If-Match`` and ``If-None-Match: *`` demand (RFC 9110 section 13.1)."""
    if call.request.headers.get("if-none-match", "").strip() == "*":
        return 0
    tag = call.request.headers.get("if-match", "").strip()
    if tag in {"", "*"}:
        return None
    number = tag.removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit()):
        raise InvalidInput("If-Match must hold the ETag that GET gave", reason="version_changed", status=412)
    return int(number)


def _summary(company: CompanySummary) -> dict[str, Any]:
    shown = asdict(company) | {"updated_at": _time(company.updated_at)}
    del shown["calendars"]  # a count for rounds, which older lines do not have
    return shown


def _time(milliseconds: int) -> str:
    return from_epoch_milliseconds(milliseconds).isoformat()


def _http_time(milliseconds: int) -> str:
    return from_epoch_milliseconds(milliseconds).strftime("%a, %d %b %Y %H:%M:%S GMT")


ROUTES = (
    Route(
        "GET", "/api/companies", list_companies, "List companies", owner="list",
        answers=(200, "a page of companies and next_cursor"),
    ),
    Route(
        "PUT", "/api/companies/{company_id}", put_company, "Write a company's document",
        scope="admin", body=Company, answers=(200, "the new version; 201 for a new company"),
    ),
    Route(
        "GET", "/api/companies/{company_id}", get_company, "Read a company's document",
        answers=(200, "the document as it was written"),
    ),
    Route(
        "DELETE", "/api/companies/{company_id}", delete_company, "Delete a company", scope="admin",
        answers=(200, "deleted, and what is left to do by hand"),
    ),
    Route(
        "GET", "/api/companies/{company_id}/audit", get_audit, "Read the audit trail", scope="admin",
        answers=(200, "a page of records and next_cursor"),
    ),
    Route(
        "GET", "/api/audit", get_trail, "Read everybody's audit trail", owner="list", scope="admin",
        answers=(200, "a page of records and next_cursor; a company's key sees its own"),
    ),
    Route(
        "POST", "/api/companies/{company_id}/try", try_company, "Make a turn that sends nothing", scope="act",
        body=TryRequest, answers=(200, "what the desk would say and do"),
    ),
)  # fmt: skip
