"""The secret that a company shares with the server of its own calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from functions.integrations_api.routing import Answer, Route, require_company_id
from shared.calendars.calendar_secrets import set_secret
from shared.companies.base import Part
from shared.platform.errors import NotFound

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call


class SecretRequest(Part):
    """A secret of the caller's own, or nothing for a new one."""

    secret: Annotated[str, Field(max_length=500)] | None = Field(default=None, repr=False)


def put_secret(call: Call) -> Answer:
    """Store a secret in place of any earlier one; one that was made here is shown this once."""
    company = call.services.companies.get(require_company_id(call.owner))
    name, given = call.request.path["calendar_id"], call.given.secret
    found = [one for one in company.calendars if one.id == name and one.provider == "generic"]
    if not found:
        raise NotFound("the company has no calendar of its own with this id")
    secret = set_secret(call.services.credentials, call.owner, found[0].calendar, given)
    call.audit("calendar.secret", calendar=name)
    return Answer({"calendar": name, **({} if given else {"secret": secret.reveal()})})


ROUTES = (
    Route(
        "PUT", "/api/companies/{company_id}/calendars/{calendar_id}/secret", put_secret,
        "Set the secret of a company's own calendar", scope="admin", body=SecretRequest,
        answers=(200, "the calendar; a secret that was made here is shown this once"),
    ),
)  # fmt: skip
