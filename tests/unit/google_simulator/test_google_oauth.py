from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import requests
from google.auth import jwt

from tests.support.simulators import CLIENT_ID, CLIENT_SECRET, OWNER, REDIRECT_URI, bearer, parameters

if TYPE_CHECKING:
    from tests.support.simulators import RunningVendor

AUTH = "https://www.googleapis.com/auth/"
FREE_BUSY, EVENTS = f"{AUTH}calendar.freebusy", f"{AUTH}calendar.events.owned"
EMAIL = f"{AUTH}userinfo.email"
ASKED = ("openid", "email", FREE_BUSY, EVENTS)
VERIFIER = "a-verifier-of-the-length-that-rfc-7636-demands-of-it"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def test_people_choose_an_account_and_tick_boxes_that_begin_unticked(google: RunningVendor) -> None:
    """The page names the program and each scope; what is ticked is what is posted."""
    address = google.address(ASKED)

    accounts = google.http.get(address, timeout=10).text
    consent = google.http.get(f"{address}&account={OWNER}", timeout=10).text

    assert OWNER in accounts
    assert "Choose an account" in accounts
    assert "Frontdesk wants access" in consent
    assert f'name="scope" value="{FREE_BUSY}">' in consent
    assert consent.count('type="checkbox"') == 2  # sign-in cannot be refused
    assert "checked" not in consent


def test_one_scope_alone_has_no_box(google: RunningVendor) -> None:
    """Granular consent begins with two, or with one beside those of sign-in."""
    page = google.http.get(f"{google.address([FREE_BUSY])}&account={OWNER}", timeout=10).text

    assert "checkbox" not in page
    assert FREE_BUSY in page


def test_a_box_left_unticked_is_missing_from_the_token(google: RunningVendor) -> None:
    """The answer's scope is the truth; sign-in cannot be refused; `email` comes back by its long name."""
    back = parameters(google.consent(google.address(ASKED), scopes=[FREE_BUSY]))

    answer = google.exchange(back["code"]).json()

    assert set(answer["scope"].split()) == {"openid", EMAIL, FREE_BUSY}
    assert set(back["scope"].split()) == {"openid", EMAIL, FREE_BUSY}


def test_people_come_back_with_state_and_issuer(google: RunningVendor) -> None:
    """The issuer is the server's own address (RFC 9207)."""
    back = google.came_back(ASKED, state="xyz & more")

    assert back["state"] == "xyz & more"
    assert back["iss"] == google.base_url
    assert back["code"].startswith("4/0A")


def test_a_return_address_keeps_its_own_query(google: RunningVendor) -> None:
    """What the program registered may have one."""
    google.register(f"{REDIRECT_URI}?company=sol")
    address = google.address(ASKED, redirect_uri=f"{REDIRECT_URI}?company=sol")

    assert google.consent(address).startswith(f"{REDIRECT_URI}?company=sol&code=")


def test_a_person_who_says_no_comes_back_with_access_denied(google: RunningVendor) -> None:
    """And without a code."""
    back = parameters(google.consent(google.address(ASKED), choice="deny"))

    assert back == {"error": "access_denied", "iss": google.base_url, "state": "a state"}


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "unknown"}, 401, "invalid_client"),
        ({"redirect_uri": f"{REDIRECT_URI}/"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": None}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": "openid calendar"}, 400, "invalid_scope"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"code_challenge_method": "S512"}, 400, "invalid_request"),
    ],
)
def test_a_wrong_request_is_a_page_and_sends_nobody_anywhere(
    changes: dict[str, str | None], status: int, error: str, google: RunningVendor
) -> None:
    """Also when the form is posted without having seen the page."""
    address = google.address(ASKED, **changes)

    seen = google.http.get(address, timeout=10)
    posted = google.http.post(
        address, data={"account": OWNER, "choice": "allow"}, timeout=10, allow_redirects=False
    )

    for answer in (seen, posted):
        assert answer.status_code == status
        assert f"Error {status}: {error}" in answer.text


def test_an_exchange_brings_all_tokens(google: RunningVendor) -> None:
    """Access for an hour, refresh, and a signed identity token for this client."""
    answer = google.exchange(google.came_back(ASKED)["code"]).json()

    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    assert answer["refresh_token"].startswith("1//")
    claims: dict[str, Any] = jwt.decode(answer["id_token"], verify=False)  # type: ignore[no-untyped-call]
    assert (claims["aud"], claims["email"], claims["email_verified"]) == (CLIENT_ID, OWNER, True)
    who = google.send("GET", "/v1/userinfo", headers=bearer(answer["access_token"])).json()
    assert (who["sub"], who["email"]) == (claims["sub"], OWNER)


def test_basic_and_body_both_prove_the_client(google: RunningVendor) -> None:
    """RFC 6749 section 2.3.1."""
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}

    basic = google.send(
        "POST",
        "/token",
        data=form | {"code": google.came_back(ASKED)["code"]},
        auth=(CLIENT_ID, CLIENT_SECRET),
    )

    assert basic.status_code == 200
    assert google.exchange(google.came_back(ASKED)["code"]).status_code == 200


@pytest.mark.parametrize("wrong", [{"client_secret": "x"}, {"client_id": "x"}, {"client_secret": None}])
def test_a_client_that_does_not_prove_itself_is_refused(
    wrong: dict[str, str | None], google: RunningVendor
) -> None:
    """And the code is not spent by it."""
    code = google.came_back(ASKED)["code"]

    refused = google.exchange(code, **wrong)

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert google.exchange(code).status_code == 200


def test_a_code_works_once(google: RunningVendor) -> None:
    """Whoever replays it gets nothing."""
    code = google.came_back(ASKED)["code"]
    google.exchange(code)

    again = google.exchange(code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_works_for_ten_minutes(google: RunningVendor) -> None:
    """By the simulator's clock."""
    early, late = (google.came_back(ASKED)["code"] for _ in range(2))

    google.advance(599)
    assert google.exchange(early).status_code == 200
    google.advance(2)
    assert google.exchange(late).json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_its_return_address(google: RunningVendor) -> None:
    """RFC 6749 section 4.1.3."""
    code = google.came_back(ASKED)["code"]

    refused = google.token(grant_type="authorization_code", code=code, redirect_uri="http://127.0.0.1/x")

    assert (refused.status_code, refused.json()["error"]) == (400, "redirect_uri_mismatch")


@pytest.mark.parametrize(
    ("verifier", "description"),
    [
        (None, "Missing code verifier."),
        (CHALLENGE, "Invalid code verifier."),
        ("x", "Invalid code verifier."),
    ],
)
def test_the_verifier_must_belong_to_the_challenge(
    verifier: str | None, description: str, google: RunningVendor
) -> None:
    """RFC 7636; the challenge itself proves nothing."""
    code = google.came_back(ASKED, **PKCE)["code"]

    refused = google.exchange(code, code_verifier=verifier).json()

    assert refused == {"error": "invalid_grant", "error_description": description}


def test_the_right_verifier_opens_the_code(google: RunningVendor) -> None:
    """S256 over its ASCII form."""
    assert google.exchange(google.came_back(ASKED, **PKCE)["code"], code_verifier=VERIFIER).status_code == 200


def test_only_offline_access_with_a_real_consent_brings_a_refresh_token(google: RunningVendor) -> None:
    """Online access brings none; who consented before is not asked again, and brings none either."""
    online = google.exchange(google.came_back(ASKED, access_type=None)["code"]).json()
    google.connected(ASKED)
    unasked = google.http.get(
        f"{google.address(ASKED, prompt=None)}&account={OWNER}", timeout=10, allow_redirects=False
    )
    second = google.exchange(parameters(unasked.headers["Location"])["code"]).json()

    assert "refresh_token" not in online
    assert unasked.status_code == 302
    assert "refresh_token" not in second
    assert "access_token" in second


def test_who_asks_for_more_is_shown_the_page_again(google: RunningVendor) -> None:
    """Without ``prompt=consent`` as well."""
    google.connected(["openid", FREE_BUSY])

    page = google.http.get(f"{google.address(ASKED, prompt=None)}&account={OWNER}", timeout=10)

    assert "wants access" in page.text


def test_a_refresh_keeps_the_refresh_token_and_the_scopes_of_its_consent(google: RunningVendor) -> None:
    """Google rotates nothing, and a wider consent of before does not come back."""
    google.connected(ASKED)
    back = parameters(google.consent(google.address(ASKED), scopes=[FREE_BUSY]))
    narrow = google.exchange(back["code"]).json()["refresh_token"]

    first, second = google.refresh(narrow).json(), google.refresh(narrow).json()

    assert "refresh_token" not in first
    assert first["access_token"] != second["access_token"]
    assert set(second["scope"].split()) == {"openid", EMAIL, FREE_BUSY}


def test_a_refresh_that_asks_for_more_is_refused(google: RunningVendor) -> None:
    """Clients that send the scopes they once asked for meet it."""
    back = parameters(google.consent(google.address(ASKED), scopes=[FREE_BUSY]))
    token = google.exchange(back["code"]).json()["refresh_token"]

    refused = google.refresh(token, scope=f"{FREE_BUSY} {EVENTS}")

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_the_hundred_and_first_refresh_token_ends_the_oldest(google: RunningVendor) -> None:
    """Without a word, for the same account and client only."""
    first, second = (google.connected([FREE_BUSY])["refresh_token"] for _ in range(2))
    for _ in range(99):
        google.connected([FREE_BUSY])

    assert google.refresh(first).json()["error"] == "invalid_grant"
    assert google.refresh(second).status_code == 200


def test_an_access_token_expires_by_the_clock(google: RunningVendor) -> None:
    """Its life can be made short."""
    google.control("PATCH", "oauth", {"access_token_seconds": 60})
    tokens = google.connected(ASKED)
    header = bearer(tokens["access_token"])

    assert tokens["expires_in"] == 60
    google.advance(58)
    assert google.send("GET", "/v1/userinfo", headers=header).status_code == 200
    google.advance(2)
    assert google.send("GET", "/v1/userinfo", headers=header).status_code == 401


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_grant(which: str, google: RunningVendor) -> None:
    """Both die; revoking again says so."""
    tokens = google.connected(ASKED)

    revoked = google.send("POST", "/revoke", data={"token": tokens[which]})

    assert revoked.status_code == 200
    assert google.refresh(tokens["refresh_token"]).json() == {
        "error": "invalid_grant",
        "error_description": "Token has been expired or revoked.",
    }
    header = bearer(tokens["access_token"])
    assert google.send("GET", "/v1/userinfo", headers=header).status_code == 401
    again = google.send("POST", "/revoke", data={"token": tokens[which]})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
    shown = google.control("GET", "oauth")
    assert (shown["revocations"], shown["grants"]) == (1, [])


@pytest.mark.parametrize(
    ("how", "subtype"),
    [
        ("revoked", None),
        ("invalid_rapt", "invalid_rapt"),
        ("admin_policy_enforced", "admin_policy_enforced"),
        ("account_deleted", None),
    ],
)
def test_grants_die_in_several_ways(how: str, subtype: str | None, google: RunningVendor) -> None:
    """All are ``invalid_grant``; some have a subtype."""
    token = google.connected(ASKED)["refresh_token"]

    google.control("POST", "oauth/end", {"how": how})
    refused = google.refresh(token)

    assert refused.status_code == 400
    assert (refused.json()["error"], refused.json().get("error_subtype")) == ("invalid_grant", subtype)


def test_access_tokens_can_die_while_the_grant_lives(google: RunningVendor) -> None:
    """What a program sees as a 401 before the hour is over."""
    tokens = google.connected(ASKED)

    google.control("POST", "oauth/end", {"how": "access"})

    header = bearer(tokens["access_token"])
    assert google.send("GET", "/v1/userinfo", headers=header).status_code == 401
    assert google.refresh(tokens["refresh_token"]).status_code == 200


def test_token_calls_are_counted_by_kind(google: RunningVendor) -> None:
    """Also those that are refused."""
    token = google.connected(ASKED)["refresh_token"]
    google.refresh(token)
    google.refresh("wrong")

    assert google.token_calls() == {"authorization_code": 1, "refresh_token": 2}


def test_a_lost_answer_has_had_its_effect(google: RunningVendor) -> None:
    """The connection ends without a word, and the code is spent."""
    code = google.came_back(ASKED)["code"]
    google.switch({"path": "/token", "drop_after": True, "times": 1})

    with pytest.raises(requests.ConnectionError):
        google.exchange(code)

    assert google.exchange(code).json()["error"] == "invalid_grant"


def test_a_fault_speaks_as_the_token_endpoint_does(google: RunningVendor) -> None:
    """The error is the fault's body; without one it is a page of something in between."""
    google.switch({"path": "/token", "status": 401, "body": "invalid_client"})
    assert google.refresh("x").json()["error"] == "invalid_client"

    google.switch({"path": "/token", "status": 503})
    assert google.refresh("x").headers["Content-Type"].startswith("text/html")


def test_what_google_has_besides_answers_501(google: RunningVendor) -> None:
    """So that a call which the project begins to make is noticed."""
    assert google.send("GET", "/oauth2/v1/tokeninfo").status_code == 501
