from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.simulators import CLIENT_ID, CLIENT_SECRET, OWNER, REDIRECT_URI, bearer, parameters

if TYPE_CHECKING:
    from tests.support.simulators import RunningVendor

ASKED = ("users:read", "event_types:read", "scheduled_events:write")
VERIFIER = "a-verifier-of-the-length-that-rfc-7636-demands-of-it"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def test_people_choose_a_user_and_may_decline_scopes(calendly: RunningVendor) -> None:
    """Each scope has a box that begins ticked; the token's scope is what stayed ticked."""
    address = calendly.address(ASKED)
    page = calendly.http.get(f"{address}&account={OWNER}", timeout=10).text

    back = parameters(calendly.consent(address, scopes=["users:read"]))

    assert page.count(" checked>") == 3
    assert OWNER in calendly.http.get(address, timeout=10).text
    assert back["state"] == "a state"
    assert calendly.exchange(back["code"]).json()["scope"] == "users:read"


def test_a_person_who_says_no_comes_back_with_access_denied(calendly: RunningVendor) -> None:
    """And without a code."""
    back = parameters(calendly.consent(calendly.address(ASKED), choice="deny"))

    assert (back["error"], back["state"], "code" in back) == ("access_denied", "a state", False)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"redirect_uri": f"{REDIRECT_URI}/"},
        {"response_type": "token"},
        {"scope": "everything"},
        {"scope": None},
        {"code_challenge_method": "plain"},
    ],
)
def test_a_wrong_request_is_a_page_and_sends_nobody_anywhere(
    changes: dict[str, str | None], calendly: RunningVendor
) -> None:
    """Scopes are mandatory, and PKCE is S256 only."""
    answer = calendly.http.get(calendly.address(ASKED, **changes), timeout=10, allow_redirects=False)

    assert answer.status_code in {400, 401}
    assert "Access blocked" in answer.text


def test_an_exchange_brings_a_pair_for_two_hours(calendly: RunningVendor) -> None:
    """With the user and the organization by their full names."""
    tokens = calendly.connected(ASKED)

    me = calendly.send("GET", "/users/me", headers=bearer(tokens["access_token"])).json()["resource"]

    assert tokens["expires_in"] == 7200
    assert (tokens["owner"], tokens["organization"]) == (me["uri"], me["current_organization"])
    assert (me["email"], me["timezone"]) == (OWNER, "Europe/Madrid")


def test_basic_and_body_both_prove_the_client(calendly: RunningVendor) -> None:
    """Another proof does not, and does not spend the code."""
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    form["code"] = calendly.came_back(ASKED)["code"]

    wrong = calendly.send("POST", "/oauth/token", data=form, auth=(CLIENT_ID, "x"))
    right = calendly.send("POST", "/oauth/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET))

    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert right.status_code == 200


def test_a_code_works_once_for_its_verifier(calendly: RunningVendor) -> None:
    """A wrong verifier spends it too."""
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    first, second = (calendly.came_back(ASKED, **pkce)["code"] for _ in range(2))

    assert calendly.exchange(first, code_verifier="x").json()["error"] == "invalid_grant"
    assert calendly.exchange(first, code_verifier=VERIFIER).json()["error"] == "invalid_grant"
    assert calendly.exchange(second, code_verifier=VERIFIER).status_code == 200
    assert calendly.exchange(second, code_verifier=VERIFIER).status_code == 400


def test_a_refresh_token_works_once(calendly: RunningVendor) -> None:
    """Each answer brings the next; the older access token lives to its end."""
    first = calendly.connected(ASKED)
    second = calendly.refresh(first["refresh_token"]).json()

    again = calendly.refresh(first["refresh_token"])

    assert second["refresh_token"] != first["refresh_token"]
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert calendly.control("GET", "oauth")["reuses"] == 1
    for pair in (first, second):
        assert calendly.send("GET", "/users/me", headers=bearer(pair["access_token"])).status_code == 200
    assert calendly.refresh(second["refresh_token"]).status_code == 200


def test_a_refresh_token_used_again_can_end_what_replaced_it(calendly: RunningVendor) -> None:
    """As OAuth 2.1 advises; switched on, because Calendly's guide does not say it."""
    calendly.control("PATCH", "oauth", {"reuse_ends_all": True})
    first = calendly.connected(ASKED)
    second = calendly.refresh(first["refresh_token"]).json()

    calendly.refresh(first["refresh_token"])

    assert calendly.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    header = bearer(second["access_token"])
    assert calendly.send("GET", "/users/me", headers=header).status_code == 401


def test_a_ninth_token_within_a_minute_is_too_many(calendly: RunningVendor) -> None:
    """For one user; the refresh token is not spent by it."""
    token = calendly.connected(ASKED)["refresh_token"]
    for _ in range(7):
        token = calendly.refresh(token).json()["refresh_token"]

    refused = calendly.refresh(token)
    other = calendly.consent(calendly.address(ASKED), account="someone@else.example")

    assert refused.status_code == 429
    assert calendly.exchange(parameters(other)["code"]).status_code == 200
    calendly.advance(61)
    assert calendly.refresh(token).status_code == 200
    assert calendly.token_calls() == {"authorization_code": 2, "refresh_token": 9}


def test_a_lost_answer_has_spent_the_refresh_token(calendly: RunningVendor) -> None:
    """The new pair exists, and nobody knows it."""
    token = calendly.connected(ASKED)["refresh_token"]
    calendly.switch({"path": "/oauth/token", "drop_after": True, "times": 1})

    with pytest.raises(requests.ConnectionError):
        calendly.refresh(token)

    assert calendly.refresh(token).json()["error"] == "invalid_grant"


def test_revoking_ends_the_pair(calendly: RunningVendor) -> None:
    """Whichever of the two is given; unknown ones are revoked already (RFC 7009)."""
    tokens = calendly.connected(ASKED)
    proof = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    for token in (tokens["access_token"], "unknown"):
        assert calendly.send("POST", "/oauth/revoke", data={**proof, "token": token}).status_code == 200

    header = bearer(tokens["access_token"])
    assert calendly.send("GET", "/users/me", headers=header).status_code == 401
    assert calendly.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert calendly.control("GET", "oauth")["revocations"] == 1


def test_revoking_needs_the_clients_proof(calendly: RunningVendor) -> None:
    """Who has stolen a token cannot even end it."""
    tokens = calendly.connected(ASKED)

    refused = calendly.send("POST", "/oauth/revoke", data={"token": tokens["refresh_token"]})

    assert refused.status_code == 401
    assert calendly.refresh(tokens["refresh_token"]).status_code == 200


def test_access_tokens_expire_and_can_be_ended(calendly: RunningVendor) -> None:
    """By the clock, by a switch alone, or with everything else, as a changed password does."""
    tokens = calendly.connected(ASKED)
    calendly.advance(7201)
    header = bearer(tokens["access_token"])
    assert calendly.send("GET", "/users/me", headers=header).status_code == 401

    tokens = calendly.refresh(tokens["refresh_token"]).json()
    calendly.control("POST", "oauth/end", {"how": "access"})
    header = bearer(tokens["access_token"])
    assert calendly.send("GET", "/users/me", headers=header).status_code == 401

    tokens = calendly.refresh(tokens["refresh_token"]).json()
    calendly.control("POST", "oauth/end", {"account": OWNER})
    assert calendly.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_personal_access_token_does_not_expire(calendly: RunningVendor) -> None:
    """What companies paste as an API key."""
    made = calendly.control("POST", "personal-access-tokens", {"account": OWNER, "scopes": ["users:read"]})[
        "token"
    ]

    calendly.advance(400 * 86400)

    assert calendly.send("GET", "/users/me", headers=bearer(made)).status_code == 200


def test_a_missing_scope_is_named(calendly: RunningVendor) -> None:
    """A token without it is refused with what it lacks; without a token there is nobody to refuse."""
    token = calendly.connected(["event_types:read"])["access_token"]

    refused = calendly.send("GET", "/users/me", headers=bearer(token))

    assert refused.status_code == 403
    assert refused.json()["required_scopes"] == ["users:read"]
    assert calendly.send("GET", "/users/me").status_code == 401


def test_what_calendly_has_besides_answers_501(calendly: RunningVendor) -> None:
    """So that a call which the project begins to make is noticed."""
    assert calendly.send("GET", "/organizations/1").status_code == 501
