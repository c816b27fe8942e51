"""API keys of a company, or of the operator under the name ``operator``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from functions.integrations_api.routing import Answer, Route
from shared.companies.base import Part
from shared.companies.names import OPERATOR
from shared.platform.clock import from_epoch_milliseconds

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call
    from shared.companies.api_keys import ApiKey


class ApiKeyRequest(Part):
    """What ``POST …/api-keys`` takes."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[str], Field(min_length=1, max_length=10)]


def create_api_key(call: Call) -> Answer:
    """Make a key; its text is in this answer and nowhere else."""
    if call.owner != OPERATOR:
        call.services.companies.read(call.owner)  # a key of a company that does not exist would wait for it
    key, text = call.services.api_keys.create(call.owner, call.given.name, call.given.scopes)
    call.audit("api_key.create", key_id=key.key_id, name=key.name, scopes=list(key.scopes))
    return Answer({**_shown(key), "api_key": text.reveal()}, 201)


def list_api_keys(call: Call) -> Answer:
    """Without their texts."""
    keys = call.services.api_keys.list(call.owner)
    return Answer({"api_keys": [_shown(key) for key in keys], "next_cursor": None})


def revoke_api_key(call: Call) -> Answer:
    """End a key at once."""
    key_id = call.request.path["key_id"]
    call.services.api_keys.revoke(call.owner, key_id)
    call.audit("api_key.revoke", key_id=key_id)
    return Answer(None, 204)


def _shown(key: ApiKey) -> dict[str, Any]:
    shown = asdict(key) | {"created_at": from_epoch_milliseconds(key.created_at).isoformat()}
    del shown["revoked_at"]  # revoked keys are not shown
    return shown


ROUTES = (
    Route(
        "POST", "/api/companies/{company_id}/api-keys", create_api_key, "Make an API key", scope="admin",
        body=ApiKeyRequest, answers=(201, "the key, whose text is shown this once"), repeatable=True,
    ),
    Route(
        "GET", "/api/companies/{company_id}/api-keys", list_api_keys, "List API keys", scope="admin",
        answers=(200, "the keys that are not revoked, without their texts"),
    ),
    Route(
        "DELETE", "/api/companies/{company_id}/api-keys/{key_id}", revoke_api_key, "Revoke an API key",
        scope="admin", answers=(204, "revoked"),
    ),
)  # fmt: skip
