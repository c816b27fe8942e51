"""The Chatwoot connection, and the doctor for its deliveries."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from functions.integrations_api.routing import Answer, Route
from shared.companies.base import Part
from shared.integrations.chatwoot_values import ConnectRequest
from shared.integrations.health import Condition

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call

MAX_BODY_CHARACTERS = 1_400_000


class CompanyRequest(Part):
    """A body that only names the company."""

    company_id: str


class DeliveryRequest(Part):
    """A webhook delivery to be examined: its headers and its raw body, as text or in base64."""

    company_id: str
    headers: Annotated[dict[str, str], Field(max_length=100)]
    body: Annotated[str, Field(max_length=MAX_BODY_CHARACTERS)] | None = None
    body_base64: Annotated[str, Field(max_length=MAX_BODY_CHARACTERS)] | None = None
    path_token: Annotated[str, Field(max_length=500)] | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _one_body(self) -> DeliveryRequest:
        if (self.body is None) == (self.body_base64 is None):
            raise ValueError("must have either body or body_base64")
        self.raw()
        return self

    def raw(self) -> bytes:
        """The body's bytes.

        Raises:
            ValueError: it is not base64.
        """
        if self.body_base64 is None:
            return (self.body or "").encode()
        try:
            return base64.b64decode(self.body_base64, validate=True)
        except binascii.Error:
            raise ValueError("must have a body_base64 that is base64") from None


def connect(call: Call) -> Answer:
    """Check the tokens, store them, claim the inboxes, have webhooks sent."""
    connected = call.services.chatwoot.connect(call.given, call.request.base_url)
    connection = connected.connection
    call.audit("chatwoot.connect", origin=connection.origin, account_id=connection.account_id)
    return Answer(connected.as_dict())


def status(call: Call) -> Answer:
    """Whether and how the company is connected."""
    return Answer(call.services.chatwoot.status(call.owner, call.request.base_url))


def health(call: Call) -> Answer:
    """How the company's integrations are; 503 where one is broken, for monitors that see only the status."""
    told = call.services.health.of(call.owner, call.request.base_url)
    return Answer(told, 503 if told["status"] == Condition.BROKEN else 200)


def disconnect(call: Call) -> Answer:
    """Forget the tokens, free the inboxes, take the webhook back."""
    farewell = call.services.chatwoot.disconnect(call.owner)
    call.audit("chatwoot.disconnect")
    return Answer(farewell.as_dict())


def examine_delivery(call: Call) -> Answer:
    """Which check a delivery fails, and what would happen to it. Nothing is kept or sent."""
    given: DeliveryRequest = call.given
    headers = {name.lower(): value for name, value in given.headers.items()}
    found = call.services.doctor.diagnose(call.owner, headers, given.raw(), given.path_token)
    return Answer(found.as_dict())


ROUTES = (
    Route(
        "POST", "/api/integrations/chatwoot/connect", connect, "Connect a company with Chatwoot",
        owner="body", scope="admin", body=ConnectRequest, repeatable=True,
        answers=(200, "the webhook's URL, what the tokens may do, and warnings"),
    ),
    Route(
        "GET", "/api/integrations/chatwoot/status", status, "Is the company connected with Chatwoot?",
        owner="query", answers=(200, "whether and how"),
    ),
    Route(
        "GET", "/api/integrations/health", health, "How are the company's integrations?", owner="query",
        answers=(200, "each integration: how it is, why, since when, what mends it; 503 where one is broken"),
    ),
    Route(
        "POST", "/api/integrations/chatwoot/disconnect", disconnect, "Disconnect a company from Chatwoot",
        owner="body", scope="admin", body=CompanyRequest, repeatable=True,
        answers=(200, "disconnected, and what is left to do by hand"),
    ),
    Route(
        "POST", "/api/webhook/test", examine_delivery, "Examine a webhook delivery", owner="body",
        body=DeliveryRequest, answers=(200, "each check, and what would happen"),
    ),
)  # fmt: skip
