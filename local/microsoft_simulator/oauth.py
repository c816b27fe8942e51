"""The identity platform's endpoints: where people consent, and where programs get tokens.

People: ``/common/oauth2/v2.0/authorize`` shows the accounts, then what is asked for, as a whole: there are no
boxes. Who consented before is sent on at once, unless ``prompt=consent``. Programs:
``/common/oauth2/v2.0/token``. There is nothing to revoke a token with.

For tests:

- ``GET /simulator/oauth``: token calls of each kind, living grants. ``PATCH`` sets ``access_token_seconds``.
- ``POST /simulator/oauth/end``: ends the grants of ``account`` (or all) ``how``: ``revoked``,
  ``consent_withdrawn``, ``interaction_required``. With ``how`` ``access`` every access token dies and the
  grants live on.
- ``POST /simulator/oauth/look``: what an access ``token`` stands for (``account``, ``scopes``); empty where
  it is not good.
- ``POST /simulator/accounts``: another account (``email``, ``name``, ``tenant``); ``GET`` lists them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, jsonify, request

from local.microsoft_simulator.grants import FACTS, Account, Grant, refused
from local.oauth_server import (
    ACCOUNT,
    ALLOW,
    CHOICE,
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
    from local.microsoft_simulator.app import Microsoft

VENDOR = "Microsoft"
BASE = "/common/oauth2/v2.0"
ID_TOKEN_SECONDS = 3600
routes = Blueprint("microsoft_oauth", __name__)

JsonDict = dict[str, Any]


def microsoft() -> Microsoft:
    """The Microsoft that this application serves."""
    found: Microsoft = current_app.extensions["microsoft"]
    return found


@routes.get(f"{BASE}/authorize")
def ask() -> str | Response:
    """Choose an account, then consent."""
    client, scopes = _asked()
    account = microsoft().grants.accounts.get(request.args.get(ACCOUNT, ""))
    if account is None:
        hidden = [(name, value) for name, value in request.args.items() if name != ACCOUNT]
        people = microsoft().grants.accounts.values()
        return page("accounts", VENDOR, client=client, accounts=people, asked=hidden)
    known = microsoft().grants.of(account.email, client.client_id).scopes
    if request.args.get("prompt") != "consent" and known >= frozenset(scopes):
        return _with_code(client, account, scopes)
    texts = FACTS["scopes"] | FACTS["sign_in"]
    rows = [{"scope": one, "text": texts[one], "box": False} for one in scopes]
    shown = {"client": client, "account": account, "scopes": rows, "granular": False}
    return page("consent", VENDOR, action=request.full_path, **shown)


@routes.post(f"{BASE}/authorize")
def decide() -> Response:
    """The person has pressed a button."""
    client, scopes = _asked()
    account = microsoft().grants.accounts.get(request.form.get(ACCOUNT, ""))
    if account is None:
        raise PageRefused("invalid_request", "There is no such account.")
    if request.form.get(CHOICE) != ALLOW:
        declined = "AADSTS65004: User declined to consent to access the app."
        return go_back(error="access_denied", error_subcode="cancel", error_description=declined)
    return _with_code(client, account, scopes)


def _asked() -> tuple[Client, list[str]]:
    """Who asks for which scopes."""
    client, asked = microsoft().clients.of_page(), request.args
    scopes = list(dict.fromkeys(asked.get("scope", "").split()))
    if asked.get("response_type") != "code" or asked.get("response_mode", "query") != "query":
        raise PageRefused("unsupported_response_type", "Only codes are served, and only in the query.")
    if not scopes or not set(scopes) <= FACTS["scopes"].keys() | FACTS["sign_in"].keys():
        raise PageRefused("invalid_scope", "AADSTS70011: The provided value for 'scope' is not valid.")
    if asked.get("code_challenge_method", "S256") not in ("S256", "plain"):
        raise PageRefused("invalid_request", "The code challenge method is not supported.")
    return client, scopes


def _with_code(client: Client, account: Account, scopes: list[str]) -> Response:
    grant = microsoft().grants.of(account.email, client.client_id)
    grant.scopes |= frozenset(scopes)
    code = new_code(client, account.email, scopes, microsoft().clock.now())
    return go_back(code=microsoft().codes.give(code), session_state="0")


@routes.post(f"{BASE}/token")
def token() -> JsonDict:
    """Codes and refresh tokens become access tokens."""
    given = fields()
    kind = given.get("grant_type", "")
    microsoft().grants.token_calls[kind] += 1
    client = microsoft().clients.authenticated()
    if client is None:
        raise refused("invalid_client", 7000215, "Invalid client secret provided.", 401)
    if kind == "authorization_code":
        return _exchanged(client, given)
    if kind == "refresh_token":
        found = microsoft().grants.refreshing(given.get("refresh_token", ""), client.client_id)
        return _answer(found.grant, found.scopes)
    raise refused("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")


def _exchanged(client: Client, given: dict[str, str]) -> JsonDict:
    code = microsoft().codes.spend(given.get("code", ""), client, microsoft().clock.now())
    if code is None:
        raise refused("invalid_grant", 70008, "The provided authorization code has expired or was redeemed.")
    if given.get("redirect_uri") != code.redirect_uri:
        raise refused(
            "invalid_grant", 500112, "The reply address does not match the one that was asked with."
        )
    if not proves(code, given.get("code_verifier", "")):
        raise refused("invalid_grant", 501481, "The Code_Verifier does not match the code_challenge.")
    return _answer(microsoft().grants.of(code.account, client.client_id), code.scopes)


def _answer(grant: Grant, scopes: frozenset[str]) -> JsonDict:
    answer = microsoft().grants.give(grant, scopes)
    return answer | ({"id_token": _id_token(grant, scopes)} if "openid" in scopes else {})


def _id_token(grant: Grant, scopes: frozenset[str]) -> str:
    """Who the account is, signed; each tenant is an issuer of its own."""
    now, account = int(microsoft().clock.now()), grant.account
    issuer = f"{request.host_url}{account.tenant}/v2.0"
    claims: JsonDict = {"ver": "2.0", "iss": issuer, "aud": grant.client_id, "tid": account.tenant}
    claims |= {"sub": account.subject, "iat": now, "nbf": now, "exp": now + ID_TOKEN_SECONDS}
    if "profile" in scopes:
        claims |= {"oid": account.object_id, "name": account.name, "preferred_username": account.email}
    return microsoft().signing_key.token(claims)


@routes.route("/simulator/oauth", methods=["GET", "PATCH"])
def show() -> JsonDict:
    """See the module."""
    if request.method == "PATCH":
        microsoft().grants.access_token_seconds = request.get_json()["access_token_seconds"]
    return microsoft().grants.shown()


@routes.post("/simulator/oauth/end")
def end() -> JsonDict:
    """See the module."""
    given = request.get_json()
    how = given.get("how", "revoked")
    if how == "access":
        microsoft().grants.expire_access()
    elif how not in FACTS["ends"]:
        raise TokenRefused("invalid_request", f"how is one of: access, {', '.join(FACTS['ends'])}")
    else:
        microsoft().grants.end(given.get("account", ""), how)
    return microsoft().grants.shown()


@routes.post("/simulator/oauth/look")
def look() -> JsonDict:
    """See the module."""
    found = microsoft().grants.living(request.get_json()["token"])
    return {"account": found.grant.account.email, "scopes": sorted(found.scopes)} if found else {}


@routes.route("/simulator/accounts", methods=["GET", "POST"])
def accounts() -> Response:
    """See the module."""
    if request.method == "POST":
        account = Account(**request.get_json())
        microsoft().grants.accounts[account.email] = account
    return jsonify(list(microsoft().grants.accounts.values()))
