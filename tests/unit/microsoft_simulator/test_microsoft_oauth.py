from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.simulators import OWNER, REDIRECT_URI, parameters

if TYPE_CHECKING:
    from tests.support.simulators import RunningVendor

SEND = "https://outlook.office.com/SMTP.Send"
ASKED = (SEND, "offline_access", "openid", "email", "profile")
VERIFIER = "a-verifier-of-the-length-that-rfc-7636-demands-of-it"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def claims(id_token: str) -> dict[str, Any]:
    """What an id token says."""
    middle = id_token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=="))
    return found


def look(microsoft: RunningVendor, token: str) -> dict[str, Any]:
    """What an access token stands for."""
    found: dict[str, Any] = microsoft.control("POST", "oauth/look", {"token": token})
    return found


def test_people_choose_an_account_and_allow_everything_or_nothing(microsoft: RunningVendor) -> None:
    """There are no boxes, and no issuer on the way back."""
    address = microsoft.address(ASKED)
    assert OWNER in microsoft.http.get(address, timeout=10).text
    page = microsoft.http.get(f"{address}&account={OWNER}", timeout=10).text
    assert "Send emails from your mailbox" in page
    assert "checkbox" not in page

    back = parameters(microsoft.consent(address))

    assert set(back) == {"code", "state", "session_state"}
    denied = parameters(microsoft.consent(address, choice="deny"))
    assert (denied["error"], denied["error_subcode"], "code" in denied) == ("access_denied", "cancel", False)


def test_who_consented_before_is_not_asked_again(microsoft: RunningVendor) -> None:
    """Unless it is demanded."""
    microsoft.connected(ASKED)
    again = f"{microsoft.address(ASKED, prompt='select_account')}&account={OWNER}"
    asked = f"{microsoft.address(ASKED, prompt='consent')}&account={OWNER}"
    assert microsoft.http.get(again, timeout=10, allow_redirects=False).status_code == 302
    assert microsoft.http.get(asked, timeout=10, allow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"redirect_uri": f"{REDIRECT_URI}/"},
        {"response_type": "token"},
        {"response_mode": "form_post"},
        {"scope": "https://outlook.office.com/everything"},
        {"scope": None},
        {"code_challenge_method": "made-up"},
    ],
)
def test_a_wrong_request_is_a_page_and_sends_nobody_anywhere(
    changes: dict[str, str | None], microsoft: RunningVendor
) -> None:
    """The return address is compared as a whole text."""
    answer = microsoft.http.get(microsoft.address(ASKED, **changes), timeout=10, allow_redirects=False)
    assert answer.status_code in {400, 401}


def test_an_exchange_brings_tokens_for_the_mail_server_and_says_whose_they_are(
    microsoft: RunningVendor,
) -> None:
    """The scope names what the token is for; neither sign-in nor lasting access."""
    tokens = microsoft.connected(ASKED)
    who = claims(tokens["id_token"])
    assert (tokens["scope"], tokens["expires_in"]) == (SEND, 3599)
    assert (who["preferred_username"], who["aud"]) == (OWNER, "client-of-frontdesk")
    assert who["iss"] == f"{microsoft.base_url}/{who['tid']}/v2.0"
    assert look(microsoft, tokens["access_token"]) == {"account": OWNER, "scopes": sorted(ASKED)}
    assert "refresh_token" not in microsoft.connected([SEND, "openid"])
    assert "id_token" not in microsoft.connected([SEND, "offline_access"])


def test_a_code_works_once_for_its_verifier(microsoft: RunningVendor) -> None:
    """A wrong verifier spends it too."""
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    first, second = (microsoft.came_back(ASKED, **pkce)["code"] for _ in range(2))
    assert microsoft.exchange(first, code_verifier="x").json()["error_codes"] == [501481]
    assert microsoft.exchange(first, code_verifier=VERIFIER).json()["error"] == "invalid_grant"
    assert microsoft.exchange(second, code_verifier=VERIFIER).ok
    assert microsoft.exchange(second, code_verifier=VERIFIER).json()["error_codes"] == [70008]


def test_a_wrong_secret_is_refused_before_anything_is_spent(microsoft: RunningVendor) -> None:
    """In Microsoft's words."""
    code = microsoft.came_back(ASKED)["code"]
    wrong = microsoft.exchange(code, client_secret="an older one")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.json()["error_description"].startswith("AADSTS7000215: ")
    assert microsoft.exchange(code).ok


def test_each_refresh_token_stays_good_for_ninety_days(microsoft: RunningVendor) -> None:
    """Whether it was used or not; each answer brings another."""
    first = microsoft.connected(ASKED)["refresh_token"]
    microsoft.advance(89 * 86400)
    second = microsoft.refresh(first).json()["refresh_token"]
    assert second != first
    assert microsoft.refresh(first).ok
    microsoft.advance(2 * 86400)
    assert microsoft.refresh(first).json()["error_codes"] == [700082]
    assert microsoft.refresh(second).ok
    assert microsoft.refresh("made up").json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("revoked", "invalid_grant"),
        ("consent_withdrawn", "invalid_grant"),
        ("interaction_required", "interaction_required"),
    ],
)
def test_a_grant_ends_in_several_ways(microsoft: RunningVendor, how: str, error: str) -> None:
    """And with it every token of the account."""
    tokens = microsoft.connected(ASKED)
    microsoft.control("POST", "oauth/end", {"account": OWNER, "how": how})
    assert microsoft.refresh(tokens["refresh_token"]).json()["error"] == error
    assert look(microsoft, tokens["access_token"]) == {}
    assert microsoft.send("POST", "/simulator/oauth/end", json={"how": "politely"}).status_code == 400


def test_access_tokens_expire_and_can_be_ended_alone(microsoft: RunningVendor) -> None:
    """The grant lives on."""
    microsoft.control("PATCH", "oauth", {"access_token_seconds": 60})
    tokens = microsoft.connected(ASKED)
    microsoft.advance(61)
    assert look(microsoft, tokens["access_token"]) == {}
    fresh = microsoft.refresh(tokens["refresh_token"]).json()["access_token"]
    assert look(microsoft, fresh)["account"] == OWNER
    microsoft.control("POST", "oauth/end", {"how": "access"})
    assert look(microsoft, fresh) == {}
    assert microsoft.refresh(tokens["refresh_token"]).ok
    assert microsoft.token_calls() == {"authorization_code": 1, "refresh_token": 2}


def test_another_account_can_be_added(microsoft: RunningVendor) -> None:
    """With a tenant of its own."""
    microsoft.control("POST", "accounts", {"email": "new@luna.example", "name": "Luna"})
    back = parameters(microsoft.consent(microsoft.address(ASKED), account="new@luna.example"))
    who = claims(microsoft.exchange(back["code"]).json()["id_token"])
    assert who["preferred_username"] == "new@luna.example"
    tenants = {one["email"]: one["tenant"] for one in microsoft.control("GET", "accounts")}
    assert who["tid"] == tenants["new@luna.example"] != tenants[OWNER]


def test_what_microsoft_has_besides_answers_501(microsoft: RunningVendor) -> None:
    """So that a call which the project begins to make is noticed."""
    assert microsoft.send("GET", "/oidc/userinfo").status_code == 501
