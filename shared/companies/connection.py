"""A company's connection to its account on a Chatwoot server: everything about it that is no secret."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from shared.platform.values import known_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

Signature = Literal["required", "legacy", "token"]
DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(base_url: str) -> str:
    """Scheme, host and port of a URL in one spelling, so that two spellings of a server are the same server.

    The scheme's own port is left out, letters are small (RFC 6454 section 4).
    """
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


@dataclass(frozen=True)
class ChatwootConnection:
    """Which account on which server, and what its tokens may do there.

    Args:
        base_url: the server's address, without a trailing slash.
        account_id: the account's number; numbers repeat between servers.
        signature: how deliveries prove themselves: ``required`` (timestamp and body), ``legacy`` (body
            only), ``token`` (an unguessable path segment).
        user_id: whose user token it is; messages of this user are our own.
        bot_id: whose bot token it is, where known.
        has_user_token: whether a user token stands in the vault.
        has_bot_token: whether a bot token stands in the vault.
        capabilities: what was tried at connect, and whether it worked.
        auto_assignment: by inbox id (as text): whether Chatwoot assigns conversations by itself.
        inboxes_read_at: when that was last read after connecting (milliseconds since 1970, UTC); 0 for never.
        inbox_channels: by inbox id (as text): the channel's type, such as ``Channel::Whatsapp``.
        webhook_id: the webhook that connect registered at Chatwoot.
        marker_survives: whether ``content_attributes`` come back unchanged from Chatwoot.
        connected_at: milliseconds since 1970, UTC.
        status: a disconnected connection owns no inbox and verifies no delivery.
        installation: which of the accounts this is that the company was ever connected to, from 1: numbers
            of conversations, contacts and messages repeat between servers.
    """

    base_url: str
    account_id: int
    signature: Signature = "required"
    user_id: int | None = None
    bot_id: int | None = None
    has_user_token: bool = False
    has_bot_token: bool = False
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    auto_assignment: Mapping[str, bool] = field(default_factory=dict)
    inboxes_read_at: int = 0
    inbox_channels: Mapping[str, str] = field(default_factory=dict)
    webhook_id: int | None = None
    marker_survives: bool = True
    connected_at: int = 0
    status: Literal["connected", "disconnected"] = "connected"
    installation: int = 1

    @property
    def origin(self) -> str:
        """The server: scheme, host and, where it is not the scheme's own, port."""
        return origin_of(self.base_url)

    @property
    def connected(self) -> bool:
        """Whether it is in use."""
        return self.status == "connected"

    @property
    def finds_lost_webhooks(self) -> bool:
        """Whether messages whose webhook was lost can be looked for: an agent bot's token may not list."""
        tried = (self.capabilities.get(name, True) for name in ("list_conversations", "list_messages"))
        return self.connected and self.has_user_token and all(tried)

    def disconnected(self) -> ChatwootConnection:
        """The same connection, out of use and without tokens."""
        return replace(self, status="disconnected", has_user_token=False, has_bot_token=False)

    def as_item(self) -> dict[str, Any]:
        """The attributes under which the table holds it."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return plain | {"origin": self.origin}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> ChatwootConnection:
        """Read what `as_item` wrote; attributes that are not ours, such as keys and revision, are left."""
        return cls(**known_fields(cls, item))
