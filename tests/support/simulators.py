"""Google's, Calendly's and Microsoft's simulators on loopback ports, and a person without a browser there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from local.calendly_simulator.app import create_app as create_calendly
from local.google_simulator.app import create_app as create_google
from local.microsoft_simulator.app import create_app as create_microsoft
from local.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLIENT_ID, CLIENT_SECRET = "client-of-frontdesk", "planted-client-secret"
REDIRECT_URI = "http://127.0.0.1:8480/api/integrations/callback"
OWNER = "owner@clinic.example"
TIMEOUT_SECONDS = 10.0


class RunningVendor:
    """A handle on a running simulator of a vendor; one client is registered.

    Args:
        base_url: where it listens.
        authorize_path: where people consent.
        token_path: where programs get tokens.
    """

    def __init__(self, base_url: str, authorize_path: str, token_path: str) -> None:
        self.base_url = base_url
        self.authorize_path, self.token_path = authorize_path, token_path
        self.http = requests.Session()
        self.http.trust_env = False
        self.register(REDIRECT_URI)

    def register(self, *redirect_uris: str) -> None:
        """Let the client send people back to these addresses, and to no others."""
        client = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": redirect_uris,
        }
        self.control("PUT", "clients", [client])

    def control(self, method: str, what: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """A call of the simulator's own: ``clock``, ``oauth``, ``faults`` and their like."""
        answer = self.send(method, f"/simulator/{what}", json=body)
        assert answer.ok, answer.text
        return answer.json()

    def send(self, method: str, path: str, **more: Any) -> requests.Response:  # noqa: ANN401 - of requests
        """Any call; redirects are not followed."""
        return self.http.request(
            method, self.base_url + path, timeout=TIMEOUT_SECONDS, allow_redirects=False, **more
        )

    def switch(self, *faults: dict[str, Any]) -> None:
        """Switch these faults on until the next switch, unless they say how many times; all others off."""
        self.control("PUT", "faults", [{"times": None, **fault} for fault in faults])

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock forward."""
        self.control("POST", "clock", {"advance_seconds": seconds})

    def token_calls(self) -> dict[str, int]:
        """How many calls of the token endpoint there were, by kind of grant."""
        counted: dict[str, int] = self.control("GET", "oauth")["token_calls"]
        return counted

    def address(self, scopes: Sequence[str], **changes: str | None) -> str:
        """The authorize page for these scopes; a parameter that is ``None`` is left out."""
        asked = {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": " ".join(scopes),
            "state": "a state",
            "access_type": "offline",
            "prompt": "consent",
            **changes,
        }
        kept = {name: value for name, value in asked.items() if value is not None}
        return f"{self.base_url}{self.authorize_path}?{urlencode(kept)}"

    def consent(
        self,
        address: str,
        *,
        account: str = OWNER,
        scopes: Sequence[str] | None = None,
        choice: str = "allow",
    ) -> str:
        """Press the consent page's button.

        Args:
            address: of the page, as our program sends people there.
            account: who consents.
            scopes: the boxes that are ticked; ``None``: all.
            choice: ``allow`` or ``deny``.

        Returns:
            Where the person is sent.
        """
        asked = dict(parse_qsl(urlsplit(address).query))["scope"].split()
        form = {"account": account, "choice": choice, "scope": asked if scopes is None else list(scopes)}
        answer = self.http.post(address, data=form, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def came_back(self, scopes: Sequence[str], **changes: str | None) -> dict[str, str]:
        """What an owner who allows all of these scopes comes back with."""
        return parameters(self.consent(self.address(scopes, **changes)))

    def token(self, **fields: str | None) -> requests.Response:
        """A call of the token endpoint, with the client's proof in the body; ``None`` leaves a field out."""
        given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **fields}
        form = {name: value for name, value in given.items() if value is not None}
        return self.send("POST", self.token_path, data=form)

    def exchange(self, code: str, **fields: str | None) -> requests.Response:
        """Turn a code into tokens."""
        return self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, **fields)

    def refresh(self, refresh_token: str, **fields: str | None) -> requests.Response:
        """Ask for a new access token."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **fields)

    def connected(self, scopes: Sequence[str]) -> dict[str, Any]:
        """The tokens of an owner who allowed all of these scopes."""
        answer = self.exchange(self.came_back(scopes)["code"])
        assert answer.ok, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


def parameters(address: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(address).query))


def bearer(token: str) -> dict[str, str]:
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def google() -> Iterator[RunningVendor]:
    """A running Google simulator with nothing switched on."""
    with Server(create_google()) as server:
        yield RunningVendor(server.base_url, "/o/oauth2/v2/auth", "/token")


@pytest.fixture
def calendly() -> Iterator[RunningVendor]:
    """A running Calendly simulator with nothing switched on."""
    with Server(create_calendly()) as server:
        yield RunningVendor(server.base_url, "/oauth/authorize", "/oauth/token")


@pytest.fixture
def microsoft() -> Iterator[RunningVendor]:
    """A running Microsoft simulator with nothing switched on."""
    with Server(create_microsoft()) as server:
        yield RunningVendor(server.base_url, "/common/oauth2/v2.0/authorize", "/common/oauth2/v2.0/token")
