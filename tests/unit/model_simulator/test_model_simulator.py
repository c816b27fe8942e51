from __future__ import annotations

import ast
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import local.model_simulator
from local.model_simulator import phrases
from local.model_simulator.app import create_app
from shared.agent import prompt
from shared.agent.tools.registry import default_registry
from shared.companies.model import Company
from tests.unit.agent.fakes import turn_context

if TYPE_CHECKING:
    from flask.testing import FlaskClient

FOLDER = Path(local.model_simulator.__file__).parent
KEY = {"Authorization": "Bearer sk-test"}
BICYCLES = {
    "name": "Pedal & Co",
    "zone": "Europe/Lisbon",
    "language": "en",
    "services": [
        {
            "id": "tune",
            "name": "Gear tune-up",
            "description": "Both derailleurs.",
            "duration_minutes": 45,
            "price": {"amount_minor": 3900, "currency": "EUR"},
        },
        {"id": "wheel", "name": "Wheel truing", "price": {"amount_minor": 1550, "currency": "EUR"}},
    ],
    "opening_hours": {"tuesday": [{"from": "10:00", "to": "18:00"}]},
    "knowledge": {
        "entries": [{"question": "Do you buy used bicycles?", "answer": "Yes, on Tuesdays."}],
        "pages": [{"title": "Warranty", "markdown": "Frames: five years.\n\nMotors: two years."}],
    },
}
SAMPLE = json.loads((FOLDER.parent / "sample_company.json").read_text("utf-8"))
CLINIC = SAMPLE["document"]


@pytest.fixture
def client() -> FlaskClient:
    """The simulator without a socket."""
    return create_app().test_client()


def body_for(document: dict[str, Any], question: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What the mind sends for a question."""
    company = Company.parse(document)
    tools = default_registry().offered(company, company.agents[0])
    return {
        "model": "gpt-test",
        "instructions": prompt.instructions(company, company.agents[0], "2026-11-23"),
        "input": [
            {"role": "developer", "content": prompt.situation(company, turn_context())},
            {"role": "user", "content": prompt.question(question, "Ana")},
        ],
        "tools": [
            {"type": "function", "name": t.name, "parameters": t.parameters, "strict": True} for t in tools
        ],
    } | more


def ask(client: FlaskClient, document: dict[str, Any], question: str) -> str:
    """The words of the answer."""
    answer = client.post("/v1/responses", json=body_for(document, question), headers=KEY).get_json()
    [message] = [item for item in answer["output"] if item["type"] == "message"]
    text: str = message["content"][0]["text"]
    return text


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much is the gear tune-up?", "Gear tune-up costs 39 EUR."),
        ("how long does wheel truing take", "Wheel truing costs 15.50 EUR."),
        ("How long does the tune-up last?", "Gear tune-up costs 39 EUR. It takes 45 minutes."),
        ("¿Cuánto cuesta el gear tune-up?", "Gear tune-up cuesta 39 EUR."),
        ("Quanto custa o wheel truing?", "Wheel truing custa 15.50 EUR."),
        ("Would you buy my used bicycle?", "Yes, on Tuesdays."),
        ("What warranty do motors have?", "Motors: two years."),
        ("What are your prices?", "Gear tune-up costs 39 EUR.\nWheel truing costs 15.50 EUR."),
        ("Thanks a lot", "You are welcome. Anything else?"),
        ("Hello", "Hello, how can I help you?"),
        ("Hi, I am Ana", "Hello, how can I help you?"),
    ],
)
def test_a_company_selling_bicycles_gets_bicycle_answers(
    client: FlaskClient, question: str, answer: str
) -> None:
    """From its own services and knowledge, in the language of the question."""
    assert ask(client, BICYCLES, question) == answer


def test_every_question_of_a_turn_is_answered(client: FlaskClient) -> None:
    """Fragments of a burst, each on its line, and one it does not know."""
    answer = ask(
        client, BICYCLES, "Hi\nHow much is wheel truing?\nAre you open on Tuesdays? Do you sell helmets?"
    )
    assert "Wheel truing costs 15.50 EUR." in answer
    assert "Tuesday: 10:00-18:00" in answer
    assert "I do not know" in answer


@pytest.mark.parametrize("question", ["Do you paint horses?", "¿Vendéis cascos?"])
def test_what_is_not_in_the_request_is_not_known(client: FlaskClient, question: str) -> None:
    """It says so, in the question's language."""
    answer = ask(client, BICYCLES, question)
    assert answer.startswith(("I do not know", "No lo sé"))


def test_the_samples_question_is_answered_from_the_samples_document(client: FlaskClient) -> None:
    """Its name and price come back; so do those of every other service."""
    assert str(prompt.price_text(Company.parse(CLINIC).services[0])) in ask(
        client, CLINIC, SAMPLE["question"]
    )
    for service in Company.parse(CLINIC).services:
        answer = ask(client, CLINIC, f"¿Cuánto cuesta {service.name}?")
        assert service.name in answer
        assert (prompt.price_text(service) or "no tengo el precio") in answer


def test_opening_hours_come_in_the_customers_language(client: FlaskClient) -> None:
    """With the names of the days."""
    assert "martes: 10:00-18:00" in ask(client, BICYCLES, "¿Qué horario tenéis?")


@pytest.mark.parametrize(
    ("text", "language"),
    [("a las 10:30", "es"), ("al viernes a las 17", "es"), ("at 10:30 on a Friday", "en")],
)
def test_a_bare_time_keeps_the_language(text: str, language: str) -> None:
    """The letter "a" alone makes nothing English."""
    assert phrases.language_of(text, "es") == language


def test_a_wish_for_a_person_calls_the_tool(client: FlaskClient) -> None:
    """And "per person" is no such wish."""
    answer = client.post(
        "/v1/responses", json=body_for(BICYCLES, "I want to talk to a person"), headers=KEY
    ).get_json()
    call = answer["output"][-1]
    assert (call["type"], call["name"]) == ("function_call", "hand_over")
    assert json.loads(call["arguments"]) == {"reason": "I want to talk to a person"}
    assert ask(client, BICYCLES, "How much is the tune-up per person?") == "Gear tune-up costs 39 EUR."


def sources() -> dict[str, str]:
    """Every file of the simulator and of its parts."""
    return {
        str(path.relative_to(FOLDER)): path.read_text("utf-8")
        for path in FOLDER.rglob("*.*")
        if path.suffix in {".py", ".json"}
    }


def test_no_business_word_stands_in_its_source() -> None:
    """Neither the sample's words nor a clinic's or a bicycle shop's in general."""
    known = {"bicycle", "bicicleta", "tune", "wheel", "clinic", "clinica", "botox", "doctor", "patient"}
    for service in CLINIC["services"]:
        known |= {word.strip("().,").lower() for word in service["name"].split() if len(word) > 4}
    for name, text in sources().items():
        assert not [word for word in known if word in text.lower()], name


def test_it_does_not_know_the_code_that_asks_it() -> None:
    """It reads the request, as a model would."""
    assert not [name for name, text in sources().items() if "shared." in text or "from shared" in text]


def test_it_stays_small() -> None:
    """Under 400 lines of code, so that it can be trusted by reading it."""
    total = 0
    for text in (text for name, text in sources().items() if name.endswith(".py") and "/" not in name):
        tree, unparsed = ast.parse(text), 0
        for node in ast.walk(tree):
            documented = isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(
                node
            )
            if documented and isinstance(node.body[0], ast.Expr):  # type: ignore[attr-defined]
                first = node.body[0]  # type: ignore[attr-defined]
                unparsed += sum(
                    1 for line in text.splitlines()[first.lineno - 1 : first.end_lineno] if line.strip()
                )
        written = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        total += len(written) - unparsed
    assert 0 < total < 400


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/models"), ("POST", "/v1/audio/translations"), ("GET", "/v1/responses"), ("GET", "/")],
)
def test_calls_that_the_project_does_not_make_are_refused(
    client: FlaskClient, method: str, path: str
) -> None:
    """501, in the API's error shape."""
    answer = client.open(path, method=method, headers=KEY)
    assert answer.status_code == 501
    assert answer.get_json()["error"]["message"] == f"{method} {path} is not simulated"


@pytest.mark.parametrize("header", [None, "Bearer ", "Basic x", "sk-test"])
def test_a_call_without_a_key_is_refused(client: FlaskClient, header: str | None) -> None:
    """401 with the API's error body, which the list of calls shows."""
    headers = {"Authorization": header} if header else {}
    answer = client.post("/v1/responses", json=body_for(BICYCLES, "Hi"), headers=headers)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "invalid_api_key")
    assert [call["status"] for call in client.get("/simulator/calls").get_json()] == [401]


def test_a_fault_happens_as_often_as_it_is_told(client: FlaskClient) -> None:
    """Twice, on its path only; then all is well again."""
    client.put("/simulator/faults", json=[{"method": "POST", "path": "/v1/resp*", "times": 2, "status": 503}])
    chat = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert client.post("/v1/chat/completions", json=chat, headers=KEY).status_code == 200
    statuses = [
        client.post("/v1/responses", json=body_for(BICYCLES, "Hi"), headers=KEY).status_code for _ in range(3)
    ]
    assert statuses == [503, 503, 200]


def test_a_fault_without_an_end_stays_until_it_is_taken_away(client: FlaskClient) -> None:
    """An empty list switches everything off."""
    client.put("/simulator/faults", json=[{"times": None, "status": 429, "body": "insufficient_quota"}])
    for _ in range(3):
        answer = client.post("/v1/responses", json=body_for(BICYCLES, "Hi"), headers=KEY)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (429, "insufficient_quota")
    client.put("/simulator/faults", json=[])
    assert client.post("/v1/responses", json=body_for(BICYCLES, "Hi"), headers=KEY).status_code == 200


def test_a_delay_and_a_drip_take_their_time_and_lose_nothing(client: FlaskClient) -> None:
    """The answer is the same as without."""
    client.put("/simulator/faults", json=[{"delay_seconds": 0.2, "drip_bytes_per_second": 20_000}])
    start = time.monotonic()
    assert ask(client, BICYCLES, "How much is wheel truing?") == "Wheel truing costs 15.50 EUR."
    assert time.monotonic() - start > 0.2


def test_a_script_is_played_in_its_order(client: FlaskClient) -> None:
    """Then it thinks for itself again."""
    client.put("/simulator/script", json=[{"text": "One"}, {"text": "Two", "outcome": "cut_off"}])
    assert [ask(client, BICYCLES, "Hello") for _ in range(3)] == ["One", "Two", "Hello, how can I help you?"]


def test_calls_are_kept_for_the_tests(client: FlaskClient) -> None:
    """With the whole request; they can be forgotten."""
    ask(client, BICYCLES, "Hello")
    [call] = client.get("/simulator/calls").get_json()
    assert (call["path"], call["request"]) == ("/v1/responses", body_for(BICYCLES, "Hello"))
    client.delete("/simulator/calls")
    assert client.get("/simulator/calls").get_json() == []


@pytest.mark.parametrize(
    "items",
    [
        [{"type": "function_call", "call_id": "c1", "name": "hand_over", "arguments": "{}"}],
        [{"type": "function_call_output", "call_id": "c1", "output": "{}"}],
        [
            {"type": "function_call", "call_id": "c1", "name": "hand_over", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "{}"},
        ],
    ],
)
def test_the_apis_rules_about_items_are_held(client: FlaskClient, items: list[dict[str, str]]) -> None:
    """Calls and outputs in pairs, reasoning before its call: what a client must send back whole."""
    body = body_for(BICYCLES, "Hello")
    body["input"] += items
    answer = client.post("/v1/responses", json=body, headers=KEY)
    assert (answer.status_code, answer.get_json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_schema_that_is_not_strict_is_refused(client: FlaskClient) -> None:
    """As the API does."""
    loose = {"type": "object", "properties": {"a": {"type": "string"}}, "required": []}
    body = body_for(BICYCLES, "Hello")
    body["tools"] = [{"type": "function", "name": "loose", "parameters": loose, "strict": True}]
    assert client.post("/v1/responses", json=body, headers=KEY).status_code == 400
