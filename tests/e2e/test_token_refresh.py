"""Tokens that are about to end, renewed on the deployed stack by the clock's round."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

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
# Errands leave within a minute, by chance. Rounds are begun until the last token is renewed, so connections
# are asked for many times; the local world's own clock may begin a round as well.
LONGEST_SECONDS = 150


def briefly_connected(clinic: Clinic, person: Person) -> None:
    """Connect it, with an access token that ends soon; the next ones live as usual."""
    person.opens(clinic.link())
    person.presses(f"Continue to {clinic.title}")
    live_for(clinic, SHORT_SECONDS)
    person.consents(clinic.account)
    live_for(clinic, USUAL_SECONDS[clinic.provider])


def live_for(clinic: Clinic, seconds: int) -> None:
    """How long the provider's next access tokens live."""
    clinic.simulator("PATCH", "/simulator/oauth", {"access_token_seconds": seconds})


def test_the_clocks_round_renews_tokens_that_are_about_to_end(
    world: RunningWorld, somebody: Somebody
) -> None:
    """Found by the index, sent through the queue, renewed with one call, although many rounds ask for it."""
    clinics = [Clinic.opened(world, provider) for provider in PROVIDERS]
    calls = [clinic.token_calls("refresh_token") for clinic in clinics]
    for clinic in clinics:
        briefly_connected(clinic, somebody())

    eventually(lambda: begins_a_round(world) == 0 and all(map(is_renewed, clinics)), LONGEST_SECONDS)

    for clinic in clinics:
        status = clinic.status()
        assert (status["status"], status["last_error"]) == ("connected", None)
    assert [clinic.token_calls("refresh_token") for clinic in clinics] == [one + 1 for one in calls]


def is_renewed(clinic: Clinic) -> bool:
    """Whether its token is a later one than the one that connecting gave."""
    status = clinic.status()
    ends_in = datetime.fromisoformat(status["expires_at"]) - datetime.now(UTC)
    return ends_in.total_seconds() > USUAL_SECONDS[clinic.provider] / 2


def begins_a_round(world: RunningWorld) -> int:
    """Call the function as the clock does; returns how many connections were due."""
    answer = world.aws("lambda").invoke(FunctionName=FUNCTION, Payload=b"{}")
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    due: int = told["connections"]
    return due
