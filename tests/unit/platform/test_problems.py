"""What callers are told about errors."""

from __future__ import annotations

import json

import pytest

from shared.platform.errors import (
    AnswerLost,
    Conflict,
    FieldError,
    GiveUp,
    InvalidInput,
    NotFound,
    RequestNotSent,
    RetryLater,
    Untrusted,
)
from shared.platform.problems import problem_of
from shared.platform.tables import ConditionFailed


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (InvalidInput("the name is empty"), 400, "the name is empty"),
        (InvalidInput("too large", status=413), 413, "too large"),
        (NotFound("there is no such company"), 404, "no such company"),
        (Conflict("taken"), 409, "taken"),
        (ConditionFailed(), 409, "same time"),
        (Untrusted("the digits differ"), 401, "could not be authenticated"),
        (RequestNotSent("the server cannot be reached"), 502, "cannot be reached"),
        (AnswerLost("no answer came"), 502, "no answer came"),
        (RetryLater("KMS answered ThrottlingException"), 503, "try again"),
    ],
)
def test_each_kind_of_error_has_its_status_and_words(error: Exception, status: int, told: str) -> None:
    """As problem details (RFC 9457)."""
    problem = problem_of(error)
    body = json.loads(problem.body())
    assert (problem.status, body["status"]) == (status, status)
    assert told in body["detail"]
    assert body["type"].startswith("urn:frontdesk:problem:")
    assert problem.headers()["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "error",
    [GiveUp("KMS answered planted"), RuntimeError("planted"), KeyError("planted"), OSError("planted")],
)
def test_what_is_our_own_business_is_told_to_nobody(error: Exception) -> None:
    """500, and not a word of it."""
    problem = problem_of(error)
    assert problem.status == 500
    assert "planted" not in problem.body()
    assert "detail" not in problem.as_dict()


def test_what_failed_in_a_check_of_identity_stays_hidden() -> None:
    """Else the answers would tell which guess was nearer."""
    answers = {
        problem_of(Untrusted("x", reason=reason)).body() for reason in ("no_secret", "signature_wrong")
    }
    assert len(answers) == 1


def test_the_headers_say_what_to_do_next() -> None:
    """When to come back, and how to authenticate."""
    assert problem_of(RetryLater("busy", after_seconds=7.9)).headers()["Retry-After"] == "7"
    assert problem_of(RetryLater("busy")).headers()["Retry-After"] == "5"
    assert problem_of(Untrusted("x")).headers()["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in problem_of(NotFound("x")).headers()


def test_wrong_fields_are_listed_and_the_body_is_ascii() -> None:
    """Whatever stands in them."""
    error = InvalidInput("ñ", fields=(FieldError("servicios[0].ñ", "no \udcff"),))
    problem = problem_of(error)
    assert problem.body().isascii()
    assert json.loads(problem.body())["fields"] == [{"field": "servicios[0].ñ", "problem": "no \udcff"}]
