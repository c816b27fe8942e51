"""What vendors' calls are made with: a company's access tokens and secrets, and an HTTP client a thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.credentials.tokens import AccessToken
    from shared.platform.http import HttpClient
    from shared.platform.secret import Secret


class TokenSource(Protocol):
    """Where access tokens come from: `shared.credentials.tokens.Tokens`."""

    def access_token(self, company_id: str, provider: str) -> AccessToken:
        """A token that is good now."""
        ...

    def rejected(self, company_id: str, provider: str, token: AccessToken) -> AccessToken:
        """Another token, after the provider answered 401 to this one."""
        ...


class SecretSource(Protocol):
    """Where secrets come from: `shared.credentials.store.Credentials`."""

    def get(self, company_id: str, provider: str, field: str) -> Secret | None:
        """One secret, or ``None`` where there is none."""
        ...


class Clients:
    """One HTTP client for each thread: a client belongs to one thread and one company.

    Args:
        make: makes a client.
    """

    def __init__(self, make: Callable[[], HttpClient]) -> None:
        self._make = make
        self._own = threading.local()

    def mine(self) -> HttpClient:
        """The calling thread's."""
        client: HttpClient | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = self._make()
        return client
