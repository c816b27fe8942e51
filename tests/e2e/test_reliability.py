"""One right answer on the deployed stack: people first, channels that fail, workers that are killed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from infra import names
from tests.e2e.test_conversations import Company, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e

QUESTION = "How much is a bicycle check-up?"


@pytest.fixture
def company(world: RunningWorld) -> Iterator[Company]:
    """A company that repairs bicycles."""
    company = Company(world)
    yield company
    company.chatwoot.close()


def _slow_model(world: RunningWorld, seconds: float) -> None:
    world.model("PUT", "/simulator/faults", [{"method": "POST", "path": "/v1/**", "delay_seconds": seconds}])


def _asked(world: RunningWorld) -> bool:
    return bool(world.model("GET", "/simulator/calls"))


def test_a_person_who_answers_while_the_model_thinks_is_not_talked_over(company: Company) -> None:
    """Their message comes through the door, and the turn looks right before it speaks."""
    world = company.world
    world.model("DELETE", "/simulator/calls")
    _slow_model(world, 5)
    written = company.chatwoot.customer_writes(QUESTION)
    eventually(lambda: _asked(world))
    company.chatwoot.agent_replies(written.conversation_id, "I will answer that myself")
    time.sleep(12)
    assert company.chatwoot.customer_sees(written.conversation_id) == ["I will answer that myself"]


def test_a_part_that_fails_at_its_channel_is_told_to_people(company: Company) -> None:
    """Chatwoot stored it with a 200; the provider refused it later."""
    company.chatwoot.set_inbox("WhatsApp", provider_refuses="131047: Re-engagement message")
    written = company.chatwoot.customer_writes(QUESTION)

    def note() -> list[str]:
        messages = company.chatwoot.conversation(written.conversation_id)["messages"]
        return [one["content"] for one in messages if one["private"]]

    (told,) = eventually(note)
    assert "131047" in told
    conversation = company.chatwoot.conversation(written.conversation_id)
    assert conversation["status"] == "pending"


def test_the_conversation_of_a_killed_worker_is_answered_within_a_minute_and_once(company: Company) -> None:
    """Kill -9 of the function's process while it waits for the model."""
    world = company.world
    world.model("DELETE", "/simulator/calls")
    _slow_model(world, 8)
    began = time.monotonic()
    written = company.chatwoot.customer_writes(QUESTION)
    eventually(lambda: _asked(world))
    assert world.kill_workers(names.CONVERSATION_TURNS) >= 1
    _slow_model(world, 0)
    replies = eventually(lambda: company.chatwoot.customer_sees(written.conversation_id), 100)
    # The quiet window, a lease of 45 s, and a new worker, which a small machine takes long to start.
    assert time.monotonic() - began < 100
    assert len(replies) == 1
    assert "39" in replies[0]
