"""What was given up is answered after all, on the deployed stack, by the operator's command."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cli.main import main
from tests.e2e.test_conversations import Company, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e

QUESTION = "How much is a bicycle check-up?"
HANDED = "I am handing you over to a person of our team, who will answer as soon as possible."


class Operator:
    """Types commands for one company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        world = company.world.world
        self._environment = {
            "FRONTDESK_API_URL": world.api_url,
            "FRONTDESK_API_KEY": world.operator_api_key,
        }

    def run(self, group: str, command: str, *words: str, as_json: bool = False) -> Result:
        """Type a command about the company."""
        options = ["--json"] if as_json else []
        return CliRunner().invoke(
            main, [*options, group, command, self.company.id, *words], env=self._environment
        )

    def json(self, group: str, command: str, *words: str) -> Any:  # noqa: ANN401 - any JSON
        """Its JSON."""
        result = self.run(group, command, *words, as_json=True)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def letters(self, state: str) -> list[dict[str, Any]]:
        """The dead letters in a state."""
        listed: list[dict[str, Any]] = self.json("dead-letters", "list")["dead_letters"]
        return [one for one in listed if one["state"] == state]


@pytest.fixture
def company(world: RunningWorld) -> Iterator[Company]:
    """A company that repairs bicycles."""
    company = Company(world)
    yield company
    company.chatwoot.close()


def test_a_dead_letter_is_replayed_into_one_reply(world: RunningWorld, company: Company) -> None:
    """Seconds after the failure: looked at, refused, forced, answered once."""
    operator = Operator(company)
    refuse = {"method": "POST", "path": "/v1/*", "times": None, "status": 401}
    world.model("PUT", "/simulator/faults", [refuse])
    written = company.chatwoot.customer_writes(QUESTION)
    (letter,) = eventually(lambda: operator.letters("handed_over"), 60)
    world.model("PUT", "/simulator/faults", [])
    assert company.chatwoot.customer_sees(written.conversation_id) == [HANDED]
    letter_id = letter["letter_id"]

    before = everything(world)
    look = operator.json("dead-letters", "replay", letter_id, "--dry-run")
    assert (look["would"], [one["gate"] for one in look["gates"]]) == ("refuse", ["status_pending"])
    assert [one["message_id"] for one in look["messages"]] == [written.message_id]
    refused = operator.run("dead-letters", "replay", letter_id)
    assert (refused.exit_code, "status is pending" in refused.stderr) == (1, True)
    assert everything(world) == before

    done = operator.json("dead-letters", "replay", letter_id, "--force")
    assert (done["status"], done["conversation_status"]) == ("replayed", "open")
    replies = company.replies(written.conversation_id, 2)
    assert replies[0] == HANDED
    assert "39" in replies[1]
    assert operator.json("dead-letters", "replay", letter_id, "--force")["status"] == "already_replayed"
    time.sleep(5)
    assert company.chatwoot.customer_sees(written.conversation_id) == replies

    shown = operator.json("dead-letters", "show", letter_id)
    assert [(one["state"], one["text"]) for one in shown["messages"]] == [("answered", QUESTION)]
    (line,) = operator.json("conversations", "list")["conversations"]
    assert line["last_outcome"] == "answered"
    conversation = operator.json("conversations", "show", line["conversation"])
    assert [turn["outcome"] for turn in conversation["turns"]] == ["answered", "handed_over"]


def everything(world: RunningWorld) -> list[str]:
    """The conversations table."""
    table = world.world.outputs["ConversationsTable"]
    items = world.aws("dynamodb").scan(TableName=table)["Items"]
    return sorted(json.dumps(item, sort_keys=True, default=str) for item in items)
