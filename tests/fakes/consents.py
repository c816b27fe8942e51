"""An OAuth provider without sockets: codes with PKCE, accounts, revocation, and planted failures."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from shared.platform.addresses import AddressGuard
from shared.platform.http import MAX_ANSWER_BYTES, HttpAnswer, HttpClient
from shared.platform.secret import Secret
from shared.platform.secrets import SecretMissing
from tests.fakes.oauth_provider import id_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.platform.clock import Clock


@dataclass
class _Consent:
    email: str
    scopes: str
    challenge: str
    redirect_uri: str
    refresh: bool
    client_id: str


@dataclass
class _Secrets:
    """The deployment's secrets."""

    known: dict[str, str] = field(
        default_factory=lambda: {
            "google_client_secret": "g-secret",
            "calendly_client_secret": "c-secret",
            "microsoft_client_secret": "m-secret",
        }
    )

    def get(self, name: str) -> Secret:
        """See `shared.platform.secrets.DeploymentSecrets`."""
        if name not in self.known:
            raise SecretMissing(f"the secret {name} cannot be read")
        return Secret(self.known[name])


class FakeConsents(HttpClient):
    """Google, Calendly and Microsoft at once, told apart by the paths.

    ``failing`` maps a path's end to what is answered or raised in place of the right answer; ``on_revoke`` is
    called while a grant ends; ``id_token`` changes claims of Microsoft's.

    Args:
        clock: for id tokens.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(AddressGuard())
        self._clock = clock
        self.id_token: dict[str, object] = {}
        self.secrets = _Secrets()
        self.failing: dict[str, HttpAnswer | Exception] = {}
        self.called: list[str] = []
        self.revoked: list[str] = []
        self.on_revoke: Callable[[], None] = lambda: None
        self.tokens: dict[str, str] = {"calendly-key-1": "recepcion@sol.example"}
        self._consents: dict[str, _Consent] = {}

    def consent(
        self,
        location: str,
        email: str = "ana@sol.example",
        *,
        scopes: str | None = None,
        refresh: bool = True,
        **more: str,
    ) -> str:
        """A person signs in at the page that ``location`` leads to, and says yes.

        Returns:
            The query with which the browser goes back.
        """
        asked = dict(parse_qsl(urlsplit(location).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"4/code-{len(self._consents)}"
        granted = asked["scope"] if scopes is None else scopes
        self._consents[code] = _Consent(
            email, granted, asked["code_challenge"], asked["redirect_uri"], refresh, asked["client_id"]
        )
        return urlencode({"state": asked["state"], "code": code, **more})

    def send(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        json_body: object = None,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> HttpAnswer:
        """See `HttpClient`."""
        assert timeout_seconds > 0
        assert json_body is None
        assert query is None
        assert max_bytes > 0
        path = urlsplit(url).path
        self.called.append(f"{method} {path}")
        for end, planted in self.failing.items():
            if path.endswith(end):
                if isinstance(planted, Exception):
                    raise planted
                return planted
        if method == "GET":
            return self._account(path, (headers or {})["Authorization"].removeprefix("Bearer "))
        form = dict(parse_qsl((content or b"").decode()))
        if path.endswith("/revoke"):
            self.revoked.append(form["token"])
            self.on_revoke()
            return answered(200, {})
        return self._exchange(form, microsoft=path.startswith("/common/"))

    def _exchange(self, form: dict[str, str], *, microsoft: bool) -> HttpAnswer:
        if form["grant_type"].endswith("jwt-bearer"):
            return answered(200, {"access_token": "ya29.robot", "expires_in": 3600})
        consent = self._consents.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if consent is None or challenge != consent.challenge or form["redirect_uri"] != consent.redirect_uri:
            return answered(400, {"error": "invalid_grant"})
        token = f"ya29.access-{len(self.tokens)}"
        self.tokens[token] = consent.email
        told: dict[str, Any] = {"access_token": token, "expires_in": 3599, "scope": consent.scopes}
        if consent.refresh:
            told["refresh_token"] = token.replace("ya29.access", "1//refresh")
        if microsoft:
            told["scope"] = " ".join(one for one in consent.scopes.split() if one.startswith("https://"))
            now = self._clock.now()
            told["id_token"] = id_token(now, consent.client_id, consent.email, **self.id_token)
        return answered(200, told)

    def _account(self, path: str, token: str) -> HttpAnswer:
        email = self.tokens.get(token)
        if email is None:
            return answered(401, {"error": "invalid_token"})
        number = hashlib.sha256(email.encode()).hexdigest()[:8]
        if path != "/users/me":
            return answered(200, {"sub": number, "email": email})
        uri = "https://api.calendly.com"
        found = {
            "uri": f"{uri}/users/{number}",
            "email": email,
            "current_organization": f"{uri}/organizations/O1",
            "timezone": "Europe/Madrid",
        }
        return answered(200, {"resource": found})


def answered(status: int, body: object) -> HttpAnswer:
    """An answer of JSON."""
    return HttpAnswer(status, {}, json.dumps(body).encode())
