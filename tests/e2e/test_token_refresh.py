"""Tokens that are about to end, renewed on the deployed stack by the clock's round."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from infra import names
from tests.e2e.consent import PROVIDERS, Clinic
from tests.e2e.test_conversations import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningWorld
    from tests.support.browsing import Person

    Somebody = Callable[[], Person]

pytestmark = pytest.mark.e2e

FUNCTION = names.function("local", names.TOKEN_REFRESH)
SHORT_SECONDS = 4
USUAL_SECONDS = {"google": 3599, "calendly": 7200, "microsoft": 3599}
# An errand leaves within a minute, by chance: the first of many rounds' comes soon, the others are copies.
ROUNDS = 12


@pytest.fixture
def clinics(world: RunningWorld, somebody: Somebody) -> list[Clinic]:
    """Companies that are connected with tokens that end within seconds; the next ones live as usual."""
    return [briefly_connected(Clinic.opened(world, provider), somebody()) for provider in PROVIDERS]


def briefly_connected(clinic: Clinic, person: Person) -> Clinic:
    """Connect it, with an access token that ends soon."""
    person.opens(clinic.link())
    person.presses(f"Continue to {clinic.title}")
    live_for(clinic, SHORT_SECONDS)
    person.consents(clinic.account)
    live_for(clinic, USUAL_SECONDS[clinic.provider])
    return clinic


def live_for(clinic: Clinic, seconds: int) -> None:
    """How long the provider's next access tokens live."""
    clinic.simulator("PATCH", "/simulator/oauth", {"access_token_seconds": seconds})


def test_the_clocks_round_renews_tokens_that_are_about_to_end(
    clinics: list[Clinic], world: RunningWorld
) -> None:
    """Found by the index, sent through the queue, renewed with one call, although many rounds ask for it."""
    before = [clinic.status() for clinic in clinics]
    calls = [clinic.token_calls("refresh_token") for clinic in clinics]
    eventually(lambda: begins_a_round(world) >= len(clinics), 15)
    for _ in range(ROUNDS - 1):
        begins_a_round(world)

    for clinic, earlier in zip(clinics, before, strict=True):
        eventually(partial(is_renewed, clinic, earlier), 90)

    for clinic, earlier in zip(clinics, before, strict=True):
        after = clinic.status()
        assert (after["status"], after["last_error"]) == ("connected", None)
        assert after["last_refresh"] > earlier["last_refresh"]
    assert [clinic.token_calls("refresh_token") for clinic in clinics] == [one + 1 for one in calls]
    assert begins_a_round(world) == 0


def is_renewed(clinic: Clinic, earlier: dict[str, Any]) -> bool:
    """Whether the token ends later than it did."""
    later: bool = clinic.status()["expires_at"] > earlier["expires_at"]
    return later


def begins_a_round(world: RunningWorld) -> int:
    """Call the function as the clock does; returns how many connections were due."""
    answer = world.aws("lambda").invoke(FunctionName=FUNCTION, Payload=b"{}")
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    due: int = told["connections"]
    return due
