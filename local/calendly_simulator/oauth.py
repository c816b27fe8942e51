"""Calendly's OAuth 2.1 server: where people consent, and where programs get tokens.

People: ``/oauth/authorize`` shows the users, then the scopes; each has a box of its own that begins ticked.
Programs: ``/oauth/token``, ``/oauth/revoke``.

For tests:

- ``GET /simulator/oauth``: token calls of each kind, refresh tokens that were used again, revocations,
  living pairs. ``PATCH`` sets ``access_token_seconds``, and ``reuse_ends_all`` (off: a refresh token that is
  used again is refused, and what replaced it lives on).
- ``POST /simulator/oauth/end``: ends the tokens of ``account`` (or all); with ``how`` ``access`` the access
  tokens only.
- ``POST /simulator/accounts``: another user (``email``, ``name``, ``zone``, ``organization``, ``plan``);
  ``GET`` lists them.
- ``POST /simulator/personal-access-tokens``: ``account`` and ``scopes``; the answer has the ``token``.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, jsonify, request

from local.calendly_simulator.grants import FACTS, Pair, User, invalid_grant
from local.oauth_server import (
    ACCOUNT,
    ALLOW,
    CHOICE,
    SCOPE,
    Client,
    PageRefused,
    TokenRefused,
    fields,
    go_back,
    new_code,
    page,
    proves,
)

if TYPE_CHECKING:
    from local.calendly_simulator.app import Calendly

VENDOR = "Calendly"
SETTINGS = ("access_token_seconds", "reuse_ends_all")
routes = Blueprint("calendly_oauth", __name__)

JsonDict = dict[str, Any]


def calendly() -> Calendly:
    """The Calendly that this application serves."""
    found: Calendly = current_app.extensions["calendly"]
    return found


@routes.get("/oauth/authorize")
def ask() -> str:
    """Choose a user, then consent."""
    client, scopes = _asked()
    user = calendly().grants.users.get(request.args.get(ACCOUNT, ""))
    if user is None:
        hidden = [(name, value) for name, value in request.args.items() if name != ACCOUNT]
        return page(
            "accounts", VENDOR, client=client, accounts=calendly().grants.users.values(), asked=hidden
        )
    rows = [{"scope": one, "text": FACTS["scopes"][one], "box": True, "ticked": True} for one in scopes]
    shown = {"client": client, "account": user, "scopes": rows, "granular": True}
    return page("consent", VENDOR, action=request.full_path, **shown)


@routes.post("/oauth/authorize")
def decide() -> Response:
    """The person has pressed a button."""
    client, scopes = _asked()
    user = calendly().grants.users.get(request.form.get(ACCOUNT, ""))
    if user is None:
        raise PageRefused("invalid_request", "There is no such user.")
    if request.form.get(CHOICE) != ALLOW:
        denied = "The resource owner or authorization server denied the request."
        return go_back(error="access_denied", error_description=denied)
    ticked = [one for one in scopes if one in request.form.getlist(SCOPE)]
    return go_back(code=calendly().codes.give(new_code(client, user.email, ticked, calendly().clock.now())))


def _asked() -> tuple[Client, list[str]]:
    """Who asks for which scopes."""
    client, asked = calendly().clients.of_page(), request.args
    scopes = list(dict.fromkeys(asked.get("scope", "").split()))
    if asked.get("response_type") != "code":
        raise PageRefused("unsupported_response_type", "Only response_type=code is served.")
    if not scopes or not set(scopes) <= FACTS["scopes"].keys():
        raise PageRefused("invalid_scope", "The requested scope is invalid, unknown, or malformed.")
    if asked.get("code_challenge_method", "S256") != "S256":
        raise PageRefused("invalid_request", "The code challenge method must be S256.")
    return client, scopes


@routes.post("/oauth/token")
def token() -> JsonDict:
    """Codes and refresh tokens become a new pair, unless it is the user's ninth within a minute."""
    given = fields()
    kind = given.get("grant_type", "")
    calendly().grants.token_calls[kind] += 1
    client = _client()
    if kind == "authorization_code":
        return _answer(_exchanged(client, given))
    if kind == "refresh_token":
        return _answer(calendly().grants.refresh(given.get("refresh_token", ""), client.client_id))
    raise TokenRefused("unsupported_grant_type", "The authorization grant type is not supported.")


def _client() -> Client:
    client = calendly().clients.authenticated()
    if client is None:
        raise TokenRefused("invalid_client", "Client authentication failed.", 401)
    return client


def _exchanged(client: Client, given: dict[str, str]) -> Pair:
    code = calendly().codes.spend(given.get("code", ""), client, calendly().clock.now())
    if code is None or given.get("redirect_uri") != code.redirect_uri:
        raise invalid_grant()
    if not proves(code, given.get("code_verifier", "")):
        raise invalid_grant()
    user = calendly().grants.users[code.account]
    calendly().grants.require_room(user)
    return calendly().grants.give(user, client.client_id, code.scopes)


def _answer(pair: Pair) -> JsonDict:
    now = int(calendly().clock.now())
    return {
        "token_type": "Bearer",
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "scope": " ".join(sorted(pair.scopes)),
        "created_at": now,
        "expires_in": int((pair.expires_at or 0) - now),
        "owner": user_uri(pair.user),
        "organization": organization_uri(pair.user),
    }


def user_uri(user: User) -> str:
    """A user as the API names it, whatever address the simulator itself has."""
    return f"https://api.calendly.com/users/{user.number}"


def organization_uri(user: User) -> str:
    """A user's organization as the API names it."""
    return f"https://api.calendly.com/organizations/{user.organization}"


@routes.post("/oauth/revoke")
def revoke() -> JsonDict:
    """RFC 7009: a token that is not known is revoked already."""
    client = _client()
    calendly().grants.revoke(fields().get("token", ""), client.client_id)
    return {}


@routes.route("/simulator/oauth", methods=["GET", "PATCH"])
def show() -> JsonDict:
    """See the module."""
    for name, value in (request.get_json() if request.method == "PATCH" else {}).items():
        if name not in SETTINGS:
            raise TokenRefused("invalid_request", f"There is no setting {name}.")
        setattr(calendly().grants, name, value)
    return calendly().grants.shown()


@routes.post("/simulator/oauth/end")
def end() -> JsonDict:
    """See the module."""
    given = request.get_json()
    if given.get("how") == "access":
        calendly().grants.expire_access()
    else:
        calendly().grants.end(given.get("account", ""))
    return calendly().grants.shown()


@routes.route("/simulator/accounts", methods=["GET", "POST"])
def accounts() -> Response:
    """See the module."""
    if request.method == "POST":
        user = User(**request.get_json())
        calendly().grants.users[user.email] = user
    return jsonify([asdict(one) for one in calendly().grants.users.values()])


@routes.post("/simulator/personal-access-tokens")
def create_personal_token() -> JsonDict:
    """See the module."""
    given = request.get_json()
    return {"token": calendly().grants.personal_token(given["account"], given["scopes"])}
