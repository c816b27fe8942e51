"""A webhook that never came: the message is found at Chatwoot, and answered."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from infra import names
from tests.e2e.test_conversations import Company, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e

STAGE = "local"
FUNCTION = names.function(STAGE, names.MISSED_MESSAGES)
MIN_AGE_SECONDS = 3


class Search:
    """The deployed search, impatient for the time of a test: it takes messages that are three seconds old."""

    def __init__(self, world: RunningWorld) -> None:
        self._world = world
        self._lambda = world.aws("lambda")
        found = self._lambda.get_function_configuration(FunctionName=FUNCTION)
        self._before: dict[str, str] = found["Environment"]["Variables"]

    def be_impatient(self) -> None:
        """Until `be_patient`."""
        self._configure(self._before | {"FRONTDESK_MISSED_MIN_AGE_SECONDS": str(MIN_AGE_SECONDS)})

    def be_patient(self) -> None:
        """As it was deployed."""
        self._configure(self._before)

    def _configure(self, variables: dict[str, str]) -> None:
        self._lambda.update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": variables}
        )
        # A process that is warm keeps the environment that it was started with.
        self._world.kill_workers(names.MISSED_MESSAGES)

    def finds(self, company: Company, conversation_id: int) -> list[str]:
        """Begin once more, and see after a while what the customer sees."""
        self.begin()
        time.sleep(6)
        return company.chatwoot.customer_sees(conversation_id)

    def begin(self) -> None:
        """Call the function as the clock does."""
        answer = self._lambda.invoke(FunctionName=FUNCTION, Payload=b"{}")
        told = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        assert told["companies"] >= 1


@pytest.fixture
def search(world: RunningWorld) -> Iterator[Search]:
    """The search, for the time of a test."""
    search = Search(world)
    search.be_impatient()
    yield search
    search.be_patient()


@pytest.fixture
def company(world: RunningWorld) -> Iterator[Company]:
    """A company that repairs bicycles, and whose webhook somebody deleted at Chatwoot."""
    company = Company(world)
    for one in webhooks(company):
        company.chatwoot.api("DELETE", f"/webhooks/{one['id']}")
    yield company
    company.chatwoot.close()


def webhooks(company: Company) -> list[dict[str, Any]]:
    """The account's webhooks."""
    found: list[dict[str, Any]] = company.chatwoot.api("GET", "/webhooks").json()["payload"]["webhooks"]
    return found


def test_a_message_whose_webhook_was_lost_is_found_and_answered_once(
    world: RunningWorld, company: Company, search: Search
) -> None:
    """Two fragments, one reply; and once more nothing, however often is searched."""
    written = company.chatwoot.customer_writes("How much is a bicycle check-up?")
    company.chatwoot.customer_writes("It is a blue one")
    assert company.stays_silent(written.conversation_id, MIN_AGE_SECONDS + 2)
    assert company.deliveries() == []
    # Searches wait while the queue is behind with what other tests left in it: begun until it finds.
    (reply,) = eventually(lambda: search.finds(company, written.conversation_id), 90)
    assert "39" in reply
    for _ in range(2):
        search.begin()
    time.sleep(4)
    assert company.chatwoot.customer_sees(written.conversation_id) == [reply]
    assert lost_messages(world) >= 2


def test_the_clock_calls_the_search(world: RunningWorld) -> None:
    """Every two minutes, with a role that may call it."""
    schedule = world.aws("scheduler").get_schedule(Name=names.schedule(STAGE, names.MISSED_MESSAGES))
    assert schedule["State"] == "ENABLED"
    assert schedule["ScheduleExpression"] == "rate(2 minutes)"
    assert schedule["Target"]["Arn"].endswith(f":function:{FUNCTION}")


def lost_messages(world: RunningWorld) -> int:
    """How often turns counted a message as lost."""
    counted = eventually(
        lambda: [line for line in world.function_logs(names.CONVERSATION_TURNS) if '"MessagesLost":[' in line]
    )
    return len(counted)
