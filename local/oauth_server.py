"""What the simulated authorization servers share: clients, codes, PKCE, the pages and the way back.

RFC 6749 (OAuth 2.0) and RFC 7636 (PKCE); each vendor's own words and rules stand in its simulator.

`install` gives a Flask application ``PUT /simulator/clients``: a list of ``client_id``, ``client_secret``,
``redirect_uris`` and ``name``, which replaces the clients there are; ``GET`` shows them without secrets. And
``GET /simulator/secrets``: every ``client_secret``, ``code`` and ``token`` there ever was, and every
``verifier`` that was sent, for tests that look for them where none may be.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

from flask import Blueprint, Flask, Response, jsonify, redirect, render_template, request
from werkzeug.exceptions import BadRequest

from local import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAGES = Path(__file__).with_name("oauth_pages")
CODE_SECONDS = 600
LOCAL_CLIENT = "frontdesk-local"
# What a consent page shows, posts back and leads to is in the address; the form adds these.
ACCOUNT, SCOPE, CHOICE, ALLOW = "account", "scope", "choice", "allow"

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class Client:
    """A program that was registered with the vendor.

    Args:
        client_id: its public name.
        client_secret: what it proves itself with.
        redirect_uris: where people may be sent back to; compared as whole texts.
        name: what the consent page calls it.
    """

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()
    name: str = "Frontdesk"


@dataclass(frozen=True)
class Code:
    """An authorization code, and what it was given for."""

    client_id: str
    redirect_uri: str
    account: str
    scopes: frozenset[str]
    challenge: str
    method: str
    expires_at: float
    offline: bool = True


class TokenRefused(Exception):
    """The token endpoint says no.

    Args:
        error: one of RFC 6749 §5.2's words, or the vendor's own.
        description: the vendor's sentence.
        status: of the answer.
        more: further fields of the body.
    """

    def __init__(self, error: str, description: str, status: int = 400, **more: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description, **more}
        self.status = status


class PageRefused(Exception):
    """The authorize page cannot send the person anywhere: it shows the error itself.

    Args:
        error: RFC 6749's word.
        description: a sentence for the person.
        status: of the page.
    """

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


class Clients:
    """The registered programs; one stands there from the start, without an address to go back to."""

    def __init__(self) -> None:
        self.known = {LOCAL_CLIENT: Client(LOCAL_CLIENT, secrets.token_urlsafe(24))}
        self.every_secret = [one.client_secret for one in self.known.values()]

    def register(self, clients: Iterable[JsonDict]) -> None:
        """Replace all."""
        made = [Client(**{**one, "redirect_uris": tuple(one["redirect_uris"])}) for one in clients]
        self.known = {one.client_id: one for one in made}
        self.every_secret += [one.client_secret for one in made]

    def of_page(self) -> Client:
        """The client that the authorize page's address names, and whose return address it names exactly.

        Raises:
            PageRefused: there is none, or it never registered that address.
        """
        client = self.known.get(request.args.get("client_id", ""))
        if client is None:
            raise PageRefused("invalid_client", "The OAuth client was not found.", HTTPStatus.UNAUTHORIZED)
        if request.args.get("redirect_uri") not in client.redirect_uris:
            raise PageRefused(
                "redirect_uri_mismatch", "The redirect URI is not one that the client registered."
            )
        return client

    def authenticated(self) -> Client | None:
        """The client that proves itself here: HTTP Basic, or fields of the body (RFC 6749 §2.3.1)."""
        given, basic = fields(), request.authorization
        if basic is not None and basic.type == "basic":
            words = {"client_id": basic.username, "client_secret": basic.password}
            given = {name: unquote(word or "") for name, word in words.items()}
        client, offered = self.known.get(given.get("client_id", "")), given.get("client_secret", "")
        if client is None or not hmac.compare_digest(offered.encode(), client.client_secret.encode()):
            return None
        return client


class Codes:
    """Authorization codes: each is good for one exchange within ten minutes."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._given: dict[str, Code] = {}
        self.every: list[str] = []
        self.verifiers: list[str] = []

    def give(self, code: Code) -> str:
        """A new code."""
        text = self._prefix + secrets.token_urlsafe(32)
        self._given[text] = code
        self.every.append(text)
        return text

    def spend(self, text: str, client: Client, now: float) -> Code | None:
        """What a code was given for; ``None``: used, expired, unknown, or another client's."""
        self.verifiers.append(fields().get("code_verifier", ""))
        code = self._given.get(text)
        if code is None or code.client_id != client.client_id:
            return None
        del self._given[text]
        return code if now < code.expires_at else None


def fields() -> dict[str, str]:
    """The fields of a request to the token endpoint: a form, or JSON where the vendor takes that."""
    given = request.get_json(silent=True)
    return given if isinstance(given, dict) else request.form.to_dict()


def proves(code: Code, verifier: str) -> bool:
    """Whether the verifier belongs to the challenge of the authorization request (RFC 7636 §4.6)."""
    if not code.challenge:
        return True
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    expected = digest if code.method == "S256" else verifier
    return hmac.compare_digest(expected, code.challenge)


def go_back(**parameters: str | None) -> Response:
    """Send the person back to where the client wants them, with the state it gave."""
    address = request.args["redirect_uri"]
    given = parameters | {"state": request.args.get("state")}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    answer = redirect(f"{address}{'&' if urlsplit(address).query else '?'}{query}")
    assert isinstance(answer, Response)  # noqa: S101 - what Flask's own redirect makes
    return answer


def new_code(
    client: Client, account: str, scopes: Iterable[str], now: float, *, offline: bool = True
) -> Code:
    """The code for what the person has just allowed."""
    asked = request.args
    return Code(
        client_id=client.client_id,
        redirect_uri=asked["redirect_uri"],
        account=account,
        scopes=frozenset(scopes),
        challenge=asked.get("code_challenge", ""),
        method=asked.get("code_challenge_method", "plain"),
        expires_at=now + CODE_SECONDS,
        offline=offline,
    )


def page(name: str, vendor: str, **values: object) -> str:
    """One of the pages that people see."""
    return render_template(f"{name}.html", vendor=vendor, **values)


def refusal(fault: faults.Fault) -> Response | None:
    """What a fault answers in the vendor's place: ``body`` is the token endpoint's ``error``."""
    if fault.status is None or not fault.body:
        return faults.html_page(fault)
    answer = Response(json.dumps({"error": fault.body}), fault.status, mimetype="application/json")
    if fault.retry_after_seconds is not None:
        answer.headers["Retry-After"] = str(fault.retry_after_seconds)
    return answer


def install(app: Flask, clients: Clients, codes: Codes, vendor: str, tokens: Callable[[], list[str]]) -> None:
    """Add the pages, the answers to errors, and the calls that register clients and show secrets."""
    app.register_blueprint(
        Blueprint("oauth_pages", __name__, template_folder=str(PAGES), static_folder=str(PAGES),
                  static_url_path="/simulator/oauth-pages")
    )  # fmt: skip

    @app.route("/simulator/clients", methods=["GET", "PUT"])
    def register_clients() -> Response:
        if request.method == "PUT":
            try:
                clients.register(request.get_json())
            except (TypeError, KeyError) as error:
                raise BadRequest(f"A client is wrong: {error}.") from error
        shown = [
            {"client_id": one.client_id, "redirect_uris": one.redirect_uris} for one in clients.known.values()
        ]
        return jsonify(shown)

    @app.get("/simulator/secrets")
    def show_secrets() -> JsonDict:
        return {
            "client_secret": clients.every_secret,
            "code": codes.every,
            "verifier": [one for one in codes.verifiers if one],
            "token": tokens(),
        }

    @app.errorhandler(TokenRefused)
    def refuse_token(refused: TokenRefused) -> tuple[JsonDict, int]:
        return refused.body, refused.status

    @app.errorhandler(PageRefused)
    def refuse_page(refused: PageRefused) -> tuple[str, int]:
        return page("error", vendor, refused=refused), refused.status
