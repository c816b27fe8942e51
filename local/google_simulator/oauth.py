"""Google's OAuth 2.0 server: where people consent, and where programs get tokens.

People: ``/o/oauth2/v2/auth`` shows the accounts, then what is asked for. From two scopes on (one, beside
those of sign-in) each has a box of its own that begins unticked. Programs: ``/token``, ``/revoke``,
``/v1/userinfo``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, request

from local.google_simulator import service_accounts
from local.google_simulator.grants import FACTS, Access, Account, full_names
from local.oauth_server import (
    ACCOUNT,
    ALLOW,
    CHOICE,
    SCOPE,
    Client,
    Code,
    PageRefused,
    TokenRefused,
    fields,
    go_back,
    new_code,
    page,
    proves,
)

if TYPE_CHECKING:
    from local.google_simulator.app import Google

VENDOR = "Google"
FEWEST_WITH_BOXES = 2
routes = Blueprint("google_oauth", __name__)

JsonDict = dict[str, Any]


def issuer() -> str:
    """Who this server says it is: its own address, where Google says ``https://accounts.google.com``."""
    return request.host_url.rstrip("/")


def google() -> Google:
    """The Google that this application serves."""
    found: Google = current_app.extensions["google"]
    return found


@routes.get("/o/oauth2/v2/auth")
def ask() -> str | Response:
    """Choose an account, then consent; who consented before is only asked again with ``prompt=consent``."""
    client, scopes = _asked()
    account = google().grants.accounts.get(request.args.get(ACCOUNT, ""))
    if account is None:
        hidden = [(name, value) for name, value in request.args.items() if name != ACCOUNT]
        return page("accounts", VENDOR, client=client, accounts=people(), asked=hidden)
    known = google().grants.of(account.email, client.client_id).scopes
    if "consent" not in request.args.get("prompt", "").split() and known >= frozenset(scopes):
        return _with_code(client, account, scopes, consented=False)
    boxes = _granular(scopes)
    rows = [
        {"scope": one, "text": _text(one), "box": boxes and one not in FACTS["sign_in"]} for one in scopes
    ]
    shown = {"client": client, "account": account, "scopes": rows, "granular": boxes}
    return page("consent", VENDOR, action=request.full_path, **shown)


@routes.post("/o/oauth2/v2/auth")
def decide() -> Response:
    """The person has pressed a button."""
    client, scopes = _asked()
    account = google().grants.accounts.get(request.form.get(ACCOUNT, ""))
    if account is None:
        raise PageRefused("invalid_request", "There is no such account.")
    if request.form.get(CHOICE) != ALLOW:
        return go_back(error="access_denied", iss=issuer())
    ticked = [one for one in scopes if one in request.form.getlist(SCOPE) or one in FACTS["sign_in"]]
    return _with_code(client, account, ticked if _granular(scopes) else scopes, consented=True)


def _asked() -> tuple[Client, list[str]]:
    """Who asks for which scopes."""
    client, asked = google().clients.of_page(), request.args
    scopes = full_names(dict.fromkeys(asked.get("scope", "").split()))
    if asked.get("response_type") != "code":
        raise PageRefused("unsupported_response_type", "Only response_type=code is served.")
    unknown = [one for one in scopes if one not in FACTS["scopes"] and one not in FACTS["sign_in"]]
    if unknown or not scopes:
        raise PageRefused("invalid_scope", f"Some requested scopes were invalid: {unknown}")
    if asked.get("code_challenge_method", "S256") not in ("S256", "plain"):
        raise PageRefused("invalid_request", "The code challenge method is not supported.")
    return client, scopes


def _granular(scopes: list[str]) -> bool:
    """Whether each scope has its own box: two besides sign-in, or one together with sign-in."""
    return len(scopes) >= FEWEST_WITH_BOXES and any(one not in FACTS["sign_in"] for one in scopes)


def _text(scope: str) -> str:
    text: str = FACTS["scopes"].get(scope) or FACTS["sign_in"][scope]
    return text


def people() -> list[Account]:
    """Every account but the service accounts."""
    return [one for one in google().grants.accounts.values() if not google().services.owns(one.email)]


def _with_code(client: Client, account: Account, scopes: list[str], *, consented: bool) -> Response:
    offline = consented and request.args.get("access_type") == "offline"
    code = new_code(client, account.email, scopes, google().clock.now(), offline=offline)
    google().grants.allow(account.email, client.client_id, scopes)
    return go_back(code=google().codes.give(code), scope=" ".join(scopes), iss=issuer(), authuser="0")


@routes.post("/token")
def token() -> JsonDict:
    """Codes, refresh tokens and signed assertions become access tokens."""
    kind = fields().get("grant_type", "")
    google().grants.token_calls[kind.rpartition(":")[2]] += 1
    if kind == service_accounts.GRANT_TYPE:
        return google().services.token(fields().get("assertion", ""))
    client = google().clients.authenticated()
    if client is None:
        raise TokenRefused("invalid_client", "The OAuth client was not found, or its secret is wrong.", 401)
    if kind == "authorization_code":
        return _exchanged(client)
    if kind == "refresh_token":
        scopes = full_names(fields().get("scope", "").split())
        return google().grants.refresh(fields().get("refresh_token", ""), client.client_id, scopes)
    raise TokenRefused("unsupported_grant_type", f"Invalid grant_type: {kind}")


def _exchanged(client: Client) -> JsonDict:
    given = fields()
    code = google().codes.spend(given.get("code", ""), client, google().clock.now())
    if code is None:
        raise TokenRefused("invalid_grant", "Malformed auth code.")
    if given.get("redirect_uri") != code.redirect_uri:
        raise TokenRefused("redirect_uri_mismatch", "Bad Request")
    if not proves(code, given.get("code_verifier", "")):
        missing = "Missing" if "code_verifier" not in given else "Invalid"
        raise TokenRefused("invalid_grant", f"{missing} code verifier.")
    grant = google().grants.of(code.account, client.client_id)
    answer = google().grants.access_token(grant, code.scopes)
    if code.offline:
        answer["refresh_token"] = google().grants.refresh_token(grant, code.scopes)
    if "openid" in code.scopes:
        answer["id_token"] = _id_token(code, grant.account)
    return answer


def _id_token(code: Code, account: Account) -> str:
    """Who the account is, signed (OpenID Connect Core §2)."""
    now = int(google().clock.now())
    claims = {"iss": issuer(), "aud": code.client_id, "azp": code.client_id, "iat": now, "exp": now + 3600}
    return google().signing_key.token(claims | _who(account, code.scopes))


def _who(account: Account, scopes: frozenset[str]) -> JsonDict:
    """What the scopes of sign-in tell about an account."""
    who: JsonDict = {"sub": account.sub}
    if FACTS["aliases"]["email"] in scopes:
        who |= {"email": account.email, "email_verified": True, "hd": account.email.partition("@")[2]}
    if FACTS["aliases"]["profile"] in scopes:
        who |= {"name": account.name}
    return who


@routes.post("/revoke")
def revoke() -> JsonDict:
    """End the grant that a token belongs to: the access token's and the refresh token's is the same."""
    google().grants.revoke(request.values.get("token", ""))
    return {}


@routes.get("/v1/userinfo")
def userinfo() -> JsonDict | tuple[JsonDict, int]:
    """Whose access token it is."""
    access = bearer()
    if access is None or "openid" not in access.scopes:
        return {"error": "invalid_request", "error_description": "Invalid Credentials"}, 401
    return _who(access.grant.account, access.scopes)


def bearer() -> Access | None:
    """What the request's access token stands for; ``None``: there is none that lives."""
    scheme, _, token_text = request.headers.get("Authorization", "").partition(" ")
    return google().grants.living(token_text.strip()) if scheme == "Bearer" else None
