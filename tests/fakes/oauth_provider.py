"""An OAuth provider in memory: grants, refresh tokens that may be good for one use only, and what goes wrong.

It reads requests as they go over the wire (forms, headers) and writes answers as providers do.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from shared.platform.addresses import AddressGuard
from shared.platform.errors import AnswerLost, RequestNotSent
from shared.platform.http import MAX_ANSWER_BYTES, HttpAnswer, HttpClient
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from shared.platform.clock import Clock

CLIENT_ID, CLIENT_SECRET = "the-client", "the/client:secret"  # a colon and a slash need their encoding
EMAIL = "owner@example.com"
SCOPES = {
    "google": "openid https://www.googleapis.com/auth/userinfo.email "
    "https://www.googleapis.com/auth/calendar.freebusy https://www.googleapis.com/auth/calendar.events.owned",
    "calendly": "users:read event_types:read availability:read scheduled_events:write "
    "scheduling_links:write webhooks:write",
    "microsoft": "https://outlook.office.com/SMTP.Send",
}
TENANT = "6b7a1f0e-5d43-4c1c-9f0a-2f6d1f0c7a11"


class Killed(BaseException):
    """The process was killed here; nothing catches it."""


class FakeOAuthProvider:
    """See the module.

    Args:
        clock: everybody's clock.
        name: whose words it speaks.
        rotates: a refresh token is good for one use.
        lifetime_seconds: of access tokens.
    """

    def __init__(
        self, clock: Clock, name: str = "google", *, rotates: bool = False, lifetime_seconds: int = 3600
    ) -> None:
        self._clock = clock
        self.name = name
        self.rotates = rotates
        self.lifetime_seconds = lifetime_seconds
        # What happens to the next calls: "lost" and "killed" do it first; "not_sent" and a number do not.
        self.next: deque[str | int] = deque()
        self.always: str | int = ""
        self.error = "invalid_grant"
        # What the deployment believes its secret to be.
        self.client_secret = CLIENT_SECRET
        self.forms: list[dict[str, str]] = []
        self.before_doing: Callable[[], object] = lambda: None
        self.before_answering: Callable[[], object] = lambda: None
        self.live_refresh_tokens = {"refresh-0"}
        self.live_access_tokens: set[str] = set()
        self.codes: set[str] = {"a-code"}
        self.revoked = False
        self._number = 0
        self._lock = threading.Lock()

    def http(self) -> HttpClient:
        """A client whose calls all end here."""
        return _Wire(self)

    def get(self, name: str) -> Secret:
        """The deployment's secrets; see `shared.platform.secrets.DeploymentSecrets`."""
        assert name == f"{self.name}_client_secret"
        return Secret(self.client_secret)

    @property
    def refreshes(self) -> int:
        """How many refresh calls arrived."""
        return sum(form["grant_type"] == "refresh_token" for form in self.forms)

    # -- the wire ---------------------------------------------------------------------------------------

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """One call.

        Raises:
            AnswerLost: on demand, after it was done.
            RequestNotSent: on demand.
            Killed: on demand, after it was done.
        """
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        fault = self._fault(path, form)
        if fault == "not_sent":
            raise RequestNotSent("refused", reason="connection")
        if isinstance(fault, int):
            return _json(fault, {"error": "temporarily_unavailable"})
        self._once("before_doing")
        with self._lock:
            answer = self._done(path, headers, form)
        self._once("before_answering")
        if fault == "lost":
            raise AnswerLost("lost", reason="timeout")
        if fault == "killed":
            raise Killed
        return answer

    def _once(self, hook: str) -> None:
        """What a test wants to happen during the next call, and only then."""
        happens = getattr(self, hook)
        setattr(self, hook, lambda: None)
        happens()

    def _fault(self, path: str, form: dict[str, str]) -> str | int:
        if path.endswith(("/token", "/revoke")):
            self.forms.append({"grant_type": "", **form})
        return self.next.popleft() if self.next else self.always

    def _done(self, path: str, headers: Mapping[str, str], form: dict[str, str]) -> HttpAnswer:
        if path in {"/v1/userinfo", "/users/me"}:
            return self._account(headers["Authorization"].removeprefix("Bearer "))
        if path.endswith("/revoke"):
            self.live_refresh_tokens.discard(form["token"])
            self.live_access_tokens.discard(form["token"])
            return _json(200, {})
        if "assertion" not in form and not self._is_the_client(headers, form):
            return _json(401, {"error": "invalid_client"})
        if not self._honoured(form):
            return _json(400, {"error": self.error, "error_description": "Token has been revoked."})
        return _json(200, self._new_pair(form))

    def _is_the_client(self, headers: Mapping[str, str], form: dict[str, str]) -> bool:
        if "Authorization" not in headers:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
        return [unquote(part) for part in pair.split(":")] == [CLIENT_ID, CLIENT_SECRET]

    def _honoured(self, form: dict[str, str]) -> bool:
        if self.revoked:
            return False
        if form["grant_type"] == "authorization_code":
            return form["code"] in self.codes
        return "assertion" in form or form["refresh_token"] in self.live_refresh_tokens

    def _new_pair(self, form: dict[str, str]) -> dict[str, Any]:
        self._number += 1
        self.codes.discard(form.get("code", ""))
        answer: dict[str, Any] = {
            "access_token": f"access-{self._number}",
            "expires_in": self.lifetime_seconds,
            "token_type": "Bearer",
            "scope": SCOPES[self.name],
        }
        renews = self.rotates or self.name == "microsoft"
        if "assertion" not in form and (renews or form["grant_type"] == "authorization_code"):
            answer["refresh_token"] = f"refresh-{self._number}"
            if self.rotates or form["grant_type"] == "authorization_code":
                self.live_refresh_tokens = set()
            self.live_refresh_tokens.add(answer["refresh_token"])
        if self.name == "microsoft":
            answer["id_token"] = id_token(self._clock.now(), CLIENT_ID, EMAIL)
        self.live_access_tokens.add(answer["access_token"])
        return answer

    def _account(self, token: str) -> HttpAnswer:
        if token not in self.live_access_tokens | {"a-personal-key"}:
            return _json(401, {"title": "Unauthenticated"})
        if self.name == "google":
            return _json(200, {"sub": "12345", "email": EMAIL})
        me = {
            "uri": "https://api.calendly.com/users/AAAA",
            "email": EMAIL,
            "timezone": "Europe/Madrid",
            "current_organization": "https://api.calendly.com/organizations/BBBB",
        }
        return _json(200, {"resource": me})


class _Wire(HttpClient):
    def __init__(self, provider: FakeOAuthProvider) -> None:
        super().__init__(AddressGuard())
        self._provider = provider

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
        assert url.startswith("https://")
        assert (method == "GET") == (content is None)
        assert 0 < timeout_seconds <= 10 and json_body is None and not query and max_bytes <= 1 << 20  # noqa: PT018 - one contract
        return self._provider.answer(urlsplit(url).path, headers or {}, content or b"")


def id_token(now: datetime, client_id: str, email: str, /, **changes: object) -> str:
    """What Microsoft says of an account: a JWT; its signature is left to TLS."""
    claims = {
        "aud": client_id,
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "tid": TENANT,
        "sub": hashlib.sha256(email.encode()).hexdigest()[:8],
        "preferred_username": email,
        "exp": int(now.timestamp()) + 3600,
        **changes,
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "c2lnbmVk"])


def _json(status: int, body: object) -> HttpAnswer:
    return HttpAnswer(status, {"content-type": "application/json"}, json.dumps(body).encode())
