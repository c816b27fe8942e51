from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from google.auth import crypt, jwt

from tests.support.simulators import OWNER, bearer

if TYPE_CHECKING:
    import requests

    from tests.support.simulators import RunningVendor

FREE_BUSY = "https://www.googleapis.com/auth/calendar.freebusy"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def ask(
    google: RunningVendor,
    key: dict[str, Any],
    private_key: str = "",
    **claims: Any,  # noqa: ANN401 - claims of any type
) -> requests.Response:
    """Sign the usual claims, changed as told, and ask for a token."""
    now = int(time.time())
    usual = {"iss": key["client_email"], "aud": key["token_uri"], "scope": FREE_BUSY, "iat": now}
    signer = crypt.RSASigner.from_string(private_key or key["private_key"])  # type: ignore[no-untyped-call]
    signed = jwt.encode(signer, {**usual, "exp": now + 3600, **claims})  # type: ignore[no-untyped-call]
    return google.send("POST", "/token", data={"grant_type": GRANT_TYPE, "assertion": signed})


@pytest.fixture
def key(google: RunningVendor) -> dict[str, Any]:
    """The key file of a service account that may read when people of the domain are busy."""
    made: dict[str, Any] = google.control(
        "POST", "service-accounts", {"name": "desk", "delegated": [FREE_BUSY]}
    )
    return made


def test_a_signed_assertion_brings_an_access_token_and_nothing_else(
    google: RunningVendor, key: dict[str, Any]
) -> None:
    """For the service account itself; the call is counted."""
    answer = ask(google, key)

    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "expires_in", "token_type"}
    assert google.token_calls() == {"jwt-bearer": 1}


def test_a_service_account_acts_for_a_person_within_its_delegation(
    google: RunningVendor, key: dict[str, Any]
) -> None:
    """Beyond it the client is not authorized."""
    assert ask(google, key, sub=OWNER).status_code == 200

    beyond = ask(google, key, sub=OWNER, scope="https://www.googleapis.com/auth/calendar")
    stranger = ask(google, key, sub="nobody@elsewhere.example")

    for refused in (beyond, stranger):
        assert (refused.status_code, refused.json()["error"]) == (401, "unauthorized_client")


def test_without_delegation_it_acts_for_nobody(google: RunningVendor) -> None:
    """What an administrator has not allowed."""
    key = google.control("POST", "service-accounts", {"name": "plain"})

    assert ask(google, key, sub=OWNER).json()["error"] == "unauthorized_client"
    assert ask(google, key).status_code == 200


def test_another_accounts_signature_is_refused(google: RunningVendor, key: dict[str, Any]) -> None:
    """The signature is really verified."""
    other = google.control("POST", "service-accounts", {"name": "other"})

    refused = ask(google, key, private_key=other["private_key"])

    assert (refused.status_code, refused.json()["error_description"]) == (400, "Invalid JWT Signature.")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "nobody@frontdesk-local.iam.gserviceaccount.example"},
        {"aud": "https://elsewhere.example/token"},
        {"exp": int(time.time()) - 1000},
        {"exp": int(time.time()) + 7200},
    ],
)
def test_wrong_claims_are_refused(claims: dict[str, Any], google: RunningVendor, key: dict[str, Any]) -> None:
    """Unknown issuer, other audience, expired, longer than an hour."""
    refused = ask(google, key, **claims)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_what_is_no_assertion_is_refused(google: RunningVendor) -> None:
    """Also nothing at all."""
    for text in ("", "a.b.c", "x"):
        refused = google.send("POST", "/token", data={"grant_type": GRANT_TYPE, "assertion": text})
        assert refused.status_code == 400


def test_a_service_account_is_nobody_that_can_consent(google: RunningVendor, key: dict[str, Any]) -> None:
    """The page offers people only."""
    page = google.http.get(google.address([FREE_BUSY]), timeout=10).text

    assert key["client_email"] not in page
    assert OWNER in page


def test_its_token_tells_no_identity(google: RunningVendor, key: dict[str, Any]) -> None:
    """It was made without ``openid``."""
    header = bearer(ask(google, key).json()["access_token"])

    assert google.send("GET", "/v1/userinfo", headers=header).status_code == 401
