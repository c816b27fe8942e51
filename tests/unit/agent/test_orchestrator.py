from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.agent.journal import MemoryJournal
from shared.agent.model_client import ContentRefused, ContextTooLong, ToolOutput
from shared.agent.orchestrator import MAX_ROUNDS, SHORT_HISTORY_MESSAGES
from shared.agent.tools import hand_over
from shared.agent.values import HandOver, HistoryMessage
from shared.platform.errors import FieldError, GiveUp, InvalidInput, RetryLater
from tests.fakes.clock import A_MONDAY_MORNING, FakeClock
from tests.unit.agent.fakes import Desk, ScriptedModel, bicycles, calls, respond, says

TWO_AGENTS = {
    "agents": [
        {"name": "sales", "description": "Sells.", "model": "gpt-large"},
        {"name": "workshop", "description": "Repairs."},
    ]
}


def outputs(model: ScriptedModel, request: int = -1) -> list[str]:
    """What the tools had answered when the model was asked."""
    return [part.output for part in model.asked[request].rounds if isinstance(part, ToolOutput)]


def test_a_plain_answer_becomes_the_reply() -> None:
    """One agent, no tools: one call, its text, nothing else wanted."""
    model = ScriptedModel(says(" 89.50 EUR. "))
    assert respond(model) == ("89.50 EUR.", "frontdesk", ())
    assert len(model.asked) == 1


def test_a_company_with_one_agent_is_not_routed() -> None:
    """The routing call is spared."""
    model = ScriptedModel(says("Hello"))
    respond(model)
    assert [request.purpose for request in model.asked] == ["answer"]


def test_the_routing_call_chooses_the_agent_and_its_model() -> None:
    """The named agent answers, with the model it asks for."""
    model = ScriptedModel(says('{"agent": "sales"}'), says("Hello"))
    assert respond(model, company=bicycles(**TWO_AGENTS)).agent == "sales"
    route, answer = model.asked
    assert route.answer_schema is not None
    assert route.answer_schema.schema["properties"]["agent"]["enum"] == ["sales", "workshop"]
    assert (route.model, answer.model) == (None, "gpt-large")


@pytest.mark.parametrize(
    "said", ['{"agent": "boss"}', "sales!", "[]", '{"agent": 3}', '"workshop"', "", "null"]
)
def test_an_unknown_choice_falls_to_the_first_agent(said: str) -> None:
    """Whatever the routing call says, somebody answers."""
    model = ScriptedModel(says(said), says("Hello"))
    assert respond(model, company=bicycles(**TWO_AGENTS)).agent == "sales"


def test_tool_results_go_back_to_the_model() -> None:
    """The second call sees the first answer and the tool's output under its call id."""
    desk = Desk()
    model = ScriptedModel(calls(("reserve", '{"what": "bike", "note": null}')), says("Done"))
    assert respond(model, desk.tool()).reply == "Done"
    first, second = model.asked[1].rounds
    assert first == calls(("reserve", '{"what": "bike", "note": null}'))
    assert second == ToolOutput("call-0", '{"status": "reserved"}')
    assert desk.done == ["bike"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('{"what": ', "JSON"),
        ("", "what"),
        ('{"note": "x"}', "what"),
        ('{"what": "bike", "company_id": "other"}', "company_id"),
        ('{"what": "bike", "note": "longer than ten"}', "note"),
        ("[]", "object"),
    ],
)
def test_wrong_arguments_go_back_to_the_model_as_an_error(arguments: str, complaint: str) -> None:
    """The tool does not run, and the model learns what was wrong."""
    desk = Desk()
    model = ScriptedModel(calls(("reserve", arguments)), says("Sorry"))
    assert respond(model, desk.tool()).reply == "Sorry"
    told = json.loads(outputs(model)[0])
    assert complaint in " ".join(told["details"])
    assert desk.done == []


def test_an_unknown_tool_is_an_error_that_names_the_known_ones() -> None:
    """The model can correct itself."""
    model = ScriptedModel(calls(("resrve", "{}")), says("Sorry"))
    respond(model, Desk().tool())
    assert json.loads(outputs(model)[0]) == {
        "error": "there is no tool named 'resrve'",
        "details": ["reserve"],
    }


def test_a_tool_that_is_not_offered_does_not_run() -> None:
    """Knowing a name is not enough: the agent's list decides."""
    desk = Desk()
    hidden = desk.tool(everywhere=False)
    model = ScriptedModel(calls(("reserve", '{"what": "bike"}')), says("Sorry"))
    respond(model, hidden)
    assert "error" in json.loads(outputs(model)[0])
    assert desk.done == []
    assert model.asked[0].tools == ()


def test_a_tools_complaint_goes_back_to_the_model() -> None:
    """`InvalidInput` is the model's mistake."""
    desk = Desk(error=InvalidInput("that day is over", fields=(FieldError("what", "is in the past"),)))
    model = ScriptedModel(calls(("reserve", '{"what": "bike"}')), says("Sorry"))
    respond(model, desk.tool())
    assert json.loads(outputs(model)[0]) == {
        "error": "that day is over",
        "details": ["what: is in the past"],
    }


def test_a_tool_that_cannot_work_now_ends_this_attempt() -> None:
    """`RetryLater` is the turn's business, not the model's."""
    model = ScriptedModel(calls(("reserve", '{"what": "bike"}')))
    with pytest.raises(RetryLater):
        respond(model, Desk(error=RetryLater("the calendar is away")).tool())


def test_two_equal_writing_calls_in_one_turn_are_one() -> None:
    """However they are spelled and whichever answer they come in; both get the same result."""
    desk = Desk()
    model = ScriptedModel(
        calls(("reserve", '{"what": "bike", "note": null}'), ("reserve", '{"note":null,"what":"bike"}')),
        calls(("reserve", '{"what": "bike", "note": null}')),
        calls(("reserve", '{"what": "helmet", "note": null}')),
        says("Done"),
    )
    respond(model, desk.tool())
    assert desk.done == ["bike", "helmet"]
    assert outputs(model) == ['{"status": "reserved"}'] * 4


def test_two_equal_reading_calls_are_two() -> None:
    """What is read may have changed."""
    desk = Desk(effect="read")
    model = ScriptedModel(calls(*[("reserve", '{"what": "bike"}')] * 2), says("Done"))
    respond(model, desk.tool())
    assert desk.done == ["bike", "bike"]


def test_a_result_over_32_kb_is_cut_and_marked() -> None:
    """Also the mark counts, and no character is torn."""
    desk = Desk(content={"text": "ñ" * 40_000})
    model = ScriptedModel(calls(("reserve", '{"what": "bike"}')), says("Done"))
    journal = MemoryJournal()
    respond(model, desk.tool(), journal=journal)
    [output] = outputs(model)
    assert 32 * 1024 - 1 <= len(output.encode()) <= 32 * 1024
    assert output.endswith("[cut: the whole result has 80012 bytes]")
    assert journal.results["answer-0", 0]["output"] == output


def test_the_rounds_are_bounded_and_the_last_may_not_call_tools() -> None:
    """A model that never comes to an answer is stopped; a person goes on."""
    desk = Desk()
    model = ScriptedModel(*[calls(("reserve", f'{{"what": "{n}"}}')) for n in range(20)])
    response = respond(model, desk.tool())
    assert response == ("", "frontdesk", (HandOver("model_rounds"),))
    assert [request.tools_allowed for request in model.asked] == [True] * (MAX_ROUNDS - 1) + [False]
    assert len(desk.done) == MAX_ROUNDS - 1


@pytest.mark.parametrize("outcome", ["finished", "cut_off"])
def test_an_empty_or_cut_off_answer_is_asked_for_once_more(outcome: str) -> None:
    """The second answer counts."""
    text = "Half an ans" if outcome == "cut_off" else "  "
    model = ScriptedModel(says(text, outcome), says("Whole"))
    assert respond(model) == ("Whole", "frontdesk", ())


@pytest.mark.parametrize("outcome", ["finished", "cut_off"])
def test_empty_or_cut_off_twice_hands_over(outcome: str) -> None:
    """No third call, no half reply."""
    text = "Half an ans" if outcome == "cut_off" else ""
    model = ScriptedModel(says(text, outcome), says(text, outcome))
    assert respond(model) == ("", "frontdesk", (HandOver("model_empty"),))
    assert len(model.asked) == 2


def test_a_cut_off_tool_call_does_not_run() -> None:
    """Its arguments may be cut as well."""
    desk = Desk()
    half = replace(calls(("reserve", '{"what": "bi')), outcome="cut_off")
    model = ScriptedModel(half, says("Done"))
    assert respond(model, desk.tool()).reply == "Done"
    assert desk.done == []


@pytest.mark.parametrize("refusal", [says("I cannot help with that", "refused"), ContentRefused("filter")])
def test_a_refusal_hands_over_at_once(refusal: object) -> None:
    """By the model or by the provider's filter; its words are not the company's."""
    model = ScriptedModel(refusal)  # type: ignore[arg-type]
    assert respond(model) == ("", "frontdesk", (HandOver("model_refused"),))


def test_the_model_can_ask_for_a_person() -> None:
    """Its reason and its words come back as values."""
    model = ScriptedModel(calls(("hand_over", '{"reason": "Wants a refund"}')), says("A colleague goes on."))
    assert respond(model, hand_over.TOOL) == (
        "A colleague goes on.",
        "frontdesk",
        (HandOver("Wants a refund"),),
    )


def test_silence_after_a_hand_over_is_no_failure() -> None:
    """The hand-over has words of its own; the model is not asked again."""
    model = ScriptedModel(calls(("hand_over", '{"reason": "Wants a refund"}')), says(""))
    assert respond(model, hand_over.TOOL) == ("", "frontdesk", (HandOver("Wants a refund"),))


def test_asking_twice_for_a_person_is_asking_once() -> None:
    """The first reason stays."""
    model = ScriptedModel(
        calls(("hand_over", '{"reason": "one"}'), ("hand_over", '{"reason": "two"}')), says("Bye")
    )
    assert respond(model, hand_over.TOOL).actions == (HandOver("one"),)


def test_every_call_gets_only_the_time_that_is_left() -> None:
    """The deadline is the turn's, not each call's."""
    clock = FakeClock()
    desk = Desk(takes_seconds=30, clock=clock)
    model = ScriptedModel(calls(("reserve", '{"what": "bike"}')), says("Done"))
    respond(model, desk.tool(), clock=clock, seconds=90)
    assert model.timeouts == [90, 60]


def test_no_call_is_made_when_the_time_is_used_up() -> None:
    """The turn is run again later, on the same journal."""
    model = ScriptedModel(says("Done"))
    with pytest.raises(RetryLater) as raised:
        respond(model, seconds=0.5)
    assert raised.value.reason == "turn_time"
    assert model.asked == []


def test_a_request_that_is_too_long_is_tried_once_with_less_history() -> None:
    """The newest messages stay."""
    history = [
        HistoryMessage("customer", f"message {n}", A_MONDAY_MORNING - timedelta(minutes=60 - n))
        for n in range(10)
    ]
    model = ScriptedModel(ContextTooLong("too long"), says("Done"))
    assert respond(model, history=history).reply == "Done"
    short = model.asked[1].data[0]
    assert [f"message {n}" in short for n in range(10)] == [
        n >= 10 - SHORT_HISTORY_MESSAGES for n in range(10)
    ]


@pytest.mark.parametrize("messages", [0, 10])
def test_a_request_that_stays_too_long_is_given_up(messages: int) -> None:
    """A second shortening would not help."""
    history = [HistoryMessage("customer", "hello", A_MONDAY_MORNING)] * messages
    model = ScriptedModel(ContextTooLong("too long"), ContextTooLong("too long"))
    with pytest.raises(GiveUp) as raised:
        respond(model, history=history)
    assert raised.value.reason == "model_context"


def test_the_provider_learns_a_stable_hash_and_not_who_writes() -> None:
    """The same contact number of two companies is two users."""
    model = ScriptedModel(says("a"), says("b"))
    respond(model)
    respond(model)
    first, second = (request.safety_identifier for request in model.asked)
    assert first == second
    assert len(first) == 64
    assert "contact-1" not in first
