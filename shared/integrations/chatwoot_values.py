"""What connecting and disconnecting take and give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from shared.companies.base import Part
from shared.companies.connection import Signature  # noqa: TC001 - pydantic reads it at run time
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from shared.chatwoot.connecting import ConnectReport
    from shared.companies.connection import ChatwootConnection

Token = Annotated[str, Field(min_length=1, max_length=500)]


class ConnectRequest(Part):
    """What ``POST /api/integrations/chatwoot/connect`` takes.

    ``api_key`` is a user's access token, ``bot_token`` an agent bot's; one of them is needed, both are best:
    the bot writes, the user reads. ``webhook_secret`` is what Chatwoot shows for a webhook that was added
    there by hand; with ``register_webhook`` Frontdesk adds it and reads the secret itself.
    """

    company_id: str
    base_url: Annotated[str, Field(min_length=1, max_length=500)]
    account_id: Annotated[int, Field(ge=1, le=2**53)]
    api_key: Token | None = Field(default=None, repr=False)
    bot_token: Token | None = Field(default=None, repr=False)
    webhook_secret: Token | None = Field(default=None, repr=False)
    register_webhook: bool = False
    signature: Signature = "required"

    @model_validator(mode="after")
    def _one_source_of_the_secret(self) -> ConnectRequest:
        if self.register_webhook and self.webhook_secret is not None:
            raise ValueError(
                "must have either webhook_secret or register_webhook: registering reads the secret"
            )
        if self.api_key is None and self.bot_token is None:
            raise ValueError("must have an api_key (a user's token), a bot_token, or both")
        return self

    def tokens(self) -> dict[str, Secret]:
        """The tokens by the name under which the vault keeps them."""
        given = {"user_token": self.api_key, "bot_token": self.bot_token}
        return {field: Secret(text) for field, text in given.items() if text is not None}


@dataclass(frozen=True)
class Connected:
    """What came of connecting.

    Args:
        connection: as stored.
        webhook_url: where Chatwoot is to deliver; holds the path token where there is one.
        report: what the tokens may do.
        warnings: sentences on what will not work as it could.
    """

    connection: ChatwootConnection
    webhook_url: str
    report: ConnectReport
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The API's answer."""
        return {
            "status": "connected",
            "webhook_url": self.webhook_url,
            "webhook_registered": self.connection.webhook_id is not None,
            "capabilities": dict(self.connection.capabilities),
            "warnings": list(self.warnings),
            "user_id": self.connection.user_id,
            "bot_id": self.connection.bot_id,
            "role": self.report.role,
            "inboxes": [
                {"id": inbox.id, "name": inbox.name, "channel_type": inbox.channel_type}
                for inbox in self.report.inboxes
            ],
        }


@dataclass(frozen=True)
class Farewell:
    """What came of disconnecting.

    Args:
        webhook_removed: ``None`` where Frontdesk had registered none.
        warnings: what is left to do by hand.
    """

    webhook_removed: bool | None
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The API's answer."""
        return {
            "status": "disconnected",
            "webhook_removed": self.webhook_removed,
            "warnings": list(self.warnings),
        }
