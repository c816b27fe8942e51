"""The main job on the deployed stack: a signed webhook becomes one reply, or a person is told."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support import webhooks
from tests.support.chatwoot import ChatwootHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e

SERVICE = {
    "id": "checkup",
    "name": "Bicycle check-up",
    "duration_minutes": 45,
    "price": {"amount_minor": 3900, "currency": "EUR"},
}
DOCUMENT: dict[str, Any] = {
    "services": [SERVICE],
    "quiet_window_seconds": 1,
    "quiet_cap_seconds": 6,
    "disclosure": {"enabled": False},
}


def eventually(what: Callable[[], Any], seconds: float = 40) -> Any:  # noqa: ANN401 - whatever is waited for
    """The first true value of ``what``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    pytest.fail(f"waited {seconds:g} s in vain")


class Company:
    """A company connected to an account of its own.

    Args:
        world: the local world.
        document: changes to the company's document.
    """

    def __init__(self, world: RunningWorld, **document: object) -> None:
        account = world.new_account()
        self.world = world
        self.id = world.connected_company(account, **(DOCUMENT | document))
        self.chatwoot = ChatwootHandle(world.world.chatwoot_base_url, account["id"])

    def replies(self, conversation_id: int, count: int = 1) -> list[str]:
        """What the customer sees, as soon as there are so many messages."""
        seen: list[str] = eventually(lambda: self._seen(conversation_id, count))
        return seen

    def _seen(self, conversation_id: int, count: int) -> list[str]:
        seen = self.chatwoot.customer_sees(conversation_id)
        return seen if len(seen) >= count else []

    def stays_silent(self, conversation_id: int, seconds: float = 6) -> bool:
        """Whether the customer sees nothing for a while that is longer than a turn takes here."""
        time.sleep(seconds)
        return self.chatwoot.customer_sees(conversation_id) == []

    def logs_of_a_turn(self) -> str:
        """What every function logged, as soon as the end of this company's turn stands in it.

        A customer reads the reply while the turn still runs, and logs are delivered after the invocation.
        """

        def closed() -> str:
            lines = self.world.function_logs()
            return "\n".join(lines) if any("turn closed" in one and self.id in one for one in lines) else ""

        logs: str = eventually(closed)
        return logs

    def deliveries(self) -> list[dict[str, Any]]:
        """What Chatwoot delivered of messages in this company's account."""
        every = self.chatwoot.deliveries("message_created")
        return [one for one in every if json.loads(one["body"])["account"]["id"] == self.chatwoot.account_id]

    def deliver(self, body: dict[str, Any], *, secret: str, **headers: str) -> requests.Response:
        """Post a webhook body to our API, signed with a secret."""
        raw = webhooks.encoded(body)
        signed = webhooks.signed_headers(secret, raw, int(time.time())) | headers
        url = f"{self.world.world.api_url}/api/webhook/chatwoot/{self.id}"
        return requests.post(url, data=raw, headers=signed, timeout=30)


@pytest.fixture
def company(world: RunningWorld) -> Iterator[Company]:
    """A company that repairs bicycles."""
    company = Company(world)
    yield company
    company.chatwoot.close()


def test_a_customers_message_is_answered_from_the_companys_own_services(company: Company) -> None:
    """202 to Chatwoot, a reply to the customer."""
    written = company.chatwoot.customer_writes("How much is a bicycle check-up?")
    (reply,) = company.replies(written.conversation_id)
    assert "39" in reply
    statuses = {one["status"] for one in company.deliveries()}
    assert statuses == {202}


def test_the_same_delivery_twice_gives_one_reply(company: Company) -> None:
    """Chatwoot repeats itself under load (chatwoot/chatwoot#11901)."""
    written = company.chatwoot.customer_writes("How much is a bicycle check-up?")
    delivery = eventually(company.deliveries)[0]
    company.chatwoot.repeat(delivery)
    company.replies(written.conversation_id)
    company.chatwoot.repeat(delivery)
    time.sleep(5)
    assert len(company.chatwoot.customer_sees(written.conversation_id)) == 1


def test_fragments_of_one_question_get_one_reply(company: Company) -> None:
    """People write in fragments; the whole is answered."""
    for text in ("Hello", "I have a question", "about my bicycle:", "how much is a bicycle check-up?"):
        written = company.chatwoot.customer_writes(text)
        time.sleep(0.3)
    replies = company.replies(written.conversation_id)
    time.sleep(3)
    assert len(company.chatwoot.customer_sees(written.conversation_id)) == len(replies) == 1
    assert "39" in replies[0]


def test_a_forged_delivery_is_refused_and_nothing_is_queued(company: Company) -> None:
    """The same words as for every other untrusted delivery."""
    before = company.world.queue_attributes("IncomingQueueUrl")
    answer = company.deliver(webhooks.message_created(), secret="guessed")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")
    unknown = requests.post(
        f"{company.world.world.api_url}/api/webhook/chatwoot/nobody", data=b"{}", timeout=30
    )
    assert (unknown.status_code, unknown.json()) == (401, answer.json())
    assert company.world.queue_attributes("IncomingQueueUrl") == before


def test_a_company_cannot_speak_for_an_account_that_is_not_its_own(
    world: RunningWorld, company: Company
) -> None:
    """Its secret fits, the body names another account."""
    other = Company(world)
    other.chatwoot.customer_writes("hello")
    stolen = eventually(other.deliveries)[0]
    secret = company.chatwoot.api("GET", "/webhooks").json()["payload"]["webhooks"][0]["secret"]
    assert company.deliver(json.loads(stolen["body"]), secret=secret).status_code == 401
    other.chatwoot.close()


def test_a_person_in_charge_means_silence_until_the_conversation_is_resolved(company: Company) -> None:
    """People first."""
    written = company.chatwoot.customer_writes("Hello, it's about an invoice")
    company.replies(written.conversation_id)
    company.chatwoot.agent_replies(written.conversation_id, "I will look into it")
    eventually(lambda: len(company.chatwoot.customer_sees(written.conversation_id)) == 2)
    company.chatwoot.customer_writes("Thanks. How much is a bicycle check-up?")
    time.sleep(6)
    assert len(company.chatwoot.customer_sees(written.conversation_id)) == 2


def test_an_auto_assigned_conversation_is_answered(company: Company) -> None:
    """Chatwoot assigns by itself, which means nothing."""
    written = company.chatwoot.customer_writes("How much is a bicycle check-up?", contact="Another One")
    company.replies(written.conversation_id)
    assert company.chatwoot.conversation(written.conversation_id)["assignee"] is not None


def test_when_the_model_is_down_it_is_tried_again_and_then_a_person_is_told(world: RunningWorld) -> None:
    """The customer hears it once, the people read why."""
    company = Company(world, patience_seconds=30)
    fault = {"method": "POST", "path": "/v1/*", "times": None, "status": 503}
    world.model("DELETE", "/simulator/calls")
    world.model("PUT", "/simulator/faults", [fault])
    try:
        written = company.chatwoot.customer_writes("How much is a bicycle check-up?")
        replies = eventually(lambda: company.chatwoot.customer_sees(written.conversation_id), 90)
    finally:
        world.model("PUT", "/simulator/faults", [])
    assert replies == ["I am handing you over to a person of our team, who will answer as soon as possible."]
    assert len(world.model("GET", "/simulator/calls")) >= 2
    conversation = eventually(lambda: _handed_over(company, written.conversation_id))
    notes = [one["content"] for one in conversation["messages"] if one["private"]]
    assert len(notes) == 1
    company.chatwoot.close()


def _handed_over(company: Company, conversation_id: int) -> Any:  # noqa: ANN401 - JSON
    found = company.chatwoot.conversation(conversation_id)
    private = [one for one in found["messages"] if one["private"]]
    return found if found["status"] == "pending" and private else None


def test_a_chatwoot_that_drips_gets_nothing_after_the_invocation_and_one_reply_in_the_end(
    world: RunningWorld,
) -> None:
    """One byte a second: the call ends at its deadline, the message is found by its marker."""
    company = Company(world)
    path = "/api/v1/accounts/*/conversations/*/messages"
    company.chatwoot.faults({"method": "POST", "path": path, "times": 1, "drip_bytes_per_second": 1})
    written = company.chatwoot.customer_writes("How much is a bicycle check-up?")
    company.replies(written.conversation_id)
    time.sleep(30)
    assert len(company.chatwoot.customer_sees(written.conversation_id)) == 1
    company.chatwoot.close()


def test_no_planted_secret_stands_in_any_log_table_or_answer(world: RunningWorld) -> None:
    """Tokens and secrets of a whole conversation are looked for everywhere."""
    company = Company(world)
    written = company.chatwoot.customer_writes(f"my words {uuid.uuid4().hex}")
    company.replies(written.conversation_id)
    secret = company.chatwoot.api("GET", "/webhooks").json()["payload"]["webhooks"][0]["secret"]
    planted = [secret, company.chatwoot.administrator_token, company.chatwoot.bot_token]
    logs = company.logs_of_a_turn()
    assert "my words" not in logs
    for table in ("CompaniesTable", "CredentialsTable", "ConversationsTable"):
        items = world.aws("dynamodb").scan(TableName=world.world.outputs[table])["Items"]
        logs += repr(items)
    logs += json.dumps(world.api("GET", f"/api/companies/{company.id}"))
    logs += json.dumps(world.api("GET", f"/api/integrations/chatwoot/status?company_id={company.id}"))
    for function in world.aws("lambda").list_functions()["Functions"]:
        logs += json.dumps(function.get("Environment", {}))
    assert [value for value in planted if value in logs] == []
    company.chatwoot.close()
