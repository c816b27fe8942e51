"""Both clients, over OpenAI's SDK and real sockets, against the simulator."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from shared.agent.connect import open_model_client
from shared.agent.journal import MemoryJournal
from shared.agent.model_client import ContentRefused, ContextTooLong, ModelRequest
from shared.agent.orchestrator import Orchestrator
from shared.agent.settings import ModelSettings
from shared.agent.tools.registry import default_registry
from shared.agent.values import AgentResponse, HandOver
from shared.platform.addresses import AddressGuard
from shared.platform.clock import Deadline, SystemClock
from shared.platform.errors import FrontdeskError, GiveUp, RetryLater
from shared.platform.secret import Secret
from tests.support.model import LOOPBACK, RunningModel
from tests.unit.agent.fakes import bicycles, turn_context

if TYPE_CHECKING:
    from shared.agent.model_client import ModelAnswer, ModelClient
    from shared.agent.settings import Api
    from shared.companies.model import Company

APIS = ("responses", "chat_completions")
both = pytest.mark.parametrize("api", APIS)


def asked(client: ModelClient, seconds: float = 10) -> ModelAnswer:
    """One short question."""
    data = ("<customer_writes>Hello</customer_writes>",)
    return client.answer(ModelRequest("answer", "Be brief.", "", data), timeout_seconds=seconds)


def turn(client: ModelClient, question: str, company: Company | None = None) -> AgentResponse:
    """One whole turn."""
    clock = SystemClock()
    return Orchestrator(client, default_registry(), clock).get_response(
        question,
        "contact-1",
        [],
        company_id="pedal",
        company=company or bicycles(),
        context=turn_context(),
        journal=MemoryJournal(),
        deadline=Deadline(clock, 30),
    )


@both
def test_a_turn_is_answered_from_the_request(model: RunningModel, api: Api) -> None:
    """The price that stands in the company's document comes back."""
    assert turn(model.client(api), "How much is a full service?").reply == "Full service costs 89.50 EUR."


@both
def test_a_tool_call_goes_round(model: RunningModel, api: Api) -> None:
    """Both APIs check that calls, outputs and reasoning fit together."""
    response = turn(model.client(api), "I want to talk to a person")
    assert response.actions == (HandOver("I want to talk to a person"),)
    assert "person" in response.reply
    assert len(model.calls()) == 2


@both
def test_knowledge_that_is_too_long_is_looked_up(model: RunningModel, api: Api) -> None:
    """The model calls the tool and answers from its result."""
    pages = [{"title": f"Page {n}", "markdown": f"filler{n} " * 4000} for n in range(2)]
    entry = {"question": "Where is the workshop?", "answer": "Rua Augusta 7."}
    company = bicycles(knowledge={"pages": pages, "entries": [entry]})
    assert turn(model.client(api), "Where is the workshop?", company).reply == "Rua Augusta 7."
    assert len(model.calls()) == 2


@both
def test_routing_is_one_structured_call(model: RunningModel, api: Api) -> None:
    """The agent whose description fits answers."""
    agents = [
        {"name": "sales", "description": "New bicycles and accessories"},
        {"name": "workshop", "description": "Repairs, service and spare parts"},
    ]
    response = turn(model.client(api), "Which spare parts do you have?", bicycles(agents=agents))
    assert response.agent == "workshop"
    assert len(model.calls()) == 2


@both
def test_the_key_is_sent_and_nothing_is_stored(model: RunningModel, api: Api) -> None:
    """An empty key is refused by the server."""
    asked(model.client(api))
    settings = ModelSettings(base_url=model.base_url, api=api)
    with pytest.raises(GiveUp) as raised:
        asked(open_model_client(settings, Secret(" "), LOOPBACK))
    assert raised.value.reason == "model_denied"


@both
@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        ({"status": 401}, GiveUp, "model_denied"),
        ({"status": 403}, GiveUp, "model_denied"),
        ({"status": 404, "body": "model_not_found"}, GiveUp, "model_not_found"),
        ({"status": 429, "body": "insufficient_quota"}, GiveUp, "model_quota"),
        ({"status": 429, "body": "rate_limit_exceeded"}, RetryLater, "model_busy"),
        ({"status": 408}, RetryLater, "model_busy"),
        ({"status": 500}, RetryLater, "model_unavailable"),
        ({"status": 503, "body": "html"}, RetryLater, "model_unavailable"),
        ({"status": 400, "body": "context_length_exceeded"}, ContextTooLong, "model_context"),
        ({"status": 413, "body": "html"}, ContextTooLong, "model_context"),
        ({"status": 400, "body": "content_filter"}, ContentRefused, "model_refused"),
        ({"status": 400, "body": "unknown_parameter"}, GiveUp, "model_request_refused"),
        ({"status": 302, "body": "html"}, GiveUp, "model_request_refused"),
        ({"body": "html"}, RetryLater, "model_unreadable"),
        ({"drop_after": True}, RetryLater, "model_unreachable"),
    ],
)
def test_an_error_is_classified_and_the_call_not_repeated(
    model: RunningModel, api: Api, fault: dict[str, object], kind: type[FrontdeskError], reason: str
) -> None:
    """One call on the wire each time: trying again is the turn's business."""
    model.switch(fault)
    with pytest.raises(kind) as raised:
        asked(model.client(api))
    assert raised.value.reason == reason
    assert len(model.calls()) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(7, 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("21 Oct 2015", None), ("soon", None), (None, None)],
)
def test_the_wait_that_the_provider_asks_for_is_handed_on(
    model: RunningModel, header: object, seconds: float | None
) -> None:
    """``Retry-After`` as a number or a date; nothing where it says nothing that can be read."""
    model.switch({"status": 429, "body": "rate_limit_exceeded", "retry_after_seconds": header})
    with pytest.raises(RetryLater) as raised:
        asked(model.client())
    assert raised.value.after_seconds == seconds


def test_an_error_message_holds_neither_key_nor_the_vendors_text(model: RunningModel) -> None:
    """It may quote what we sent."""
    model.switch({"status": 400, "body": "unknown_parameter"})
    with pytest.raises(GiveUp) as raised:
        asked(model.client())
    assert (
        str(raised.value)
        == "the model's server answered 400 unknown_parameter: it does not accept the request"
    )


@both
@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ({"text": "Hi"}, "finished"),
        ({"text": "Half", "outcome": "cut_off"}, "cut_off"),
        ({"text": "No.", "outcome": "refused"}, "refused"),
        ({"text": "x", "outcome": "filtered"}, "refused"),
    ],
)
def test_an_outcome_is_read(model: RunningModel, api: Api, output: dict[str, str], outcome: str) -> None:
    """As both APIs word it."""
    model.script(output)
    assert asked(model.client(api)).outcome == outcome


@both
def test_an_empty_answer_hands_over_after_one_retry(model: RunningModel, api: Api) -> None:
    """Two calls, no reply."""
    model.switch({"body": "empty"})
    assert turn(model.client(api), "Hello") == ("", "frontdesk", (HandOver("model_empty"),))
    assert len(model.calls()) == 2


@both
def test_half_characters_in_an_answer_are_replaced(model: RunningModel, api: Api) -> None:
    """Tables and queues hold UTF-8, which knows no half surrogate pairs."""
    model.script({"text": "Nice \ud83d"})
    assert asked(model.client(api)).text == "Nice ?"


class DrippingServer:
    """Answers every request with headers at once and a body of one byte every tenth of a second.

    Args:
        header: one more header line of the answer.
    """

    def __init__(self, header: str = "") -> None:
        self._header = header
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.bytes_sent = 0

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65536)
            lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", "Content-Length: 300", self._header]
            connection.sendall("\r\n".join([*filter(None, lines), "", ""]).encode())
            for _ in range(300):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return  # nobody listens any more: what the test waits for
                self.bytes_sent += 1
                time.sleep(0.1)


@both
@pytest.mark.parametrize("header", ["", "Connection: close"])
def test_a_server_that_drips_is_left_when_the_time_is_up(api: Api, header: str) -> None:
    """The total time holds although bytes keep coming, and nothing of the call outlives it."""
    before = threading.active_count()
    server = DrippingServer(header)
    with server as base_url:
        client = open_model_client(ModelSettings(base_url=base_url, api=api), Secret("sk-test"), LOOPBACK)
        asked_at = time.monotonic()
        with pytest.raises(RetryLater) as raised:
            asked(client, seconds=1)
        assert time.monotonic() - asked_at < 10
        assert raised.value.reason == "model_timeout"
    assert threading.active_count() == before
    assert 2 <= server.bytes_sent <= 100


def test_the_configured_time_out_holds_when_more_is_left(model: RunningModel) -> None:
    """A slow model does not eat the turn."""
    model.switch({"delay_seconds": 20})
    start = time.monotonic()
    with pytest.raises(RetryLater) as raised:
        asked(model.client(timeout_seconds=0.5), seconds=60)
    assert raised.value.reason == "model_timeout"
    assert time.monotonic() - start < 10


def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    """Refused connections are passing trouble."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        client = RunningModel(reserved.getsockname()[1]).client()
        with pytest.raises(RetryLater) as raised:
            asked(client)
    assert raised.value.reason == "model_unreachable"


def test_an_address_that_may_not_be_called_is_given_up(model: RunningModel) -> None:
    """Loopback outside the local stage is a setting's mistake: no retry helps."""
    settings = ModelSettings(base_url=model.base_url)
    with pytest.raises(GiveUp) as raised:
        asked(open_model_client(settings, Secret("sk-test"), AddressGuard()))
    assert raised.value.reason == "model_address_refused"
    assert model.calls() == []
