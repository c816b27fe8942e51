"""API keys of a company, or of the operator under the name ``operator``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from functions.integrations_api.routing import Answer, Route
from shared.companies.api_keys import COMPANY_PER_MINUTE, LONGEST_LIFE_DAYS, MOST_PER_MINUTE
from shared.companies.base import Part
from shared.companies.names import OPERATOR
from shared.platform.clock import from_epoch_milliseconds
from shared.platform.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call
    from shared.companies.api_keys import ApiKey


class ApiKeyRequest(Part):
    """What ``POST …/api-keys`` takes."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[str], Field(min_length=1, max_length=10)]
    requests_per_minute: Annotated[int, Field(ge=1, le=MOST_PER_MINUTE)] | None = None
    lives_days: Annotated[int, Field(ge=1, le=LONGEST_LIFE_DAYS)] | None = None


def create_api_key(call: Call) -> Answer:
    """Make a key; its text is in this answer and nowhere else."""
    if call.owner != OPERATOR:
        call.services.companies.read(call.owner)  # a key of a company that does not exist would wait for it
    given: ApiKeyRequest = call.given
    _require_modesty(call, given.requests_per_minute)
    key, text = call.services.api_keys.create(
        call.owner,
        given.name,
        given.scopes,
        requests_per_minute=given.requests_per_minute,
        lives_days=given.lives_days,
    )
    call.audit(
        "api_key.create",
        key_id=key.key_id,
        name=key.name,
        scopes=list(key.scopes),
        requests_per_minute=key.requests_per_minute,
    )
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


def _require_modesty(call: Call, per_minute: int | None) -> None:
    """Less than is usual anybody may give; more only the operator, whose machines serve it.

    Raises:
        InvalidInput: (403) a company asks for more.
    """
    if per_minute and per_minute > COMPANY_PER_MINUTE and not call.caller.is_operator:
        problem = f"may be more than {COMPANY_PER_MINUTE} only where the operator makes the key"
        fields = (FieldError("requests_per_minute", problem),)
        raise InvalidInput(
            f"requests_per_minute {problem}", reason="limit_too_high", fields=fields, status=403
        )


def _shown(key: ApiKey) -> dict[str, Any]:
    """Without what a living key never has."""
    shown = asdict(key)
    del shown["revoked_at"], shown["ends_at"]
    return shown | {"created_at": _time(key.created_at), "expires_at": _time(key.ends_at)}


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else from_epoch_milliseconds(milliseconds).isoformat()


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
