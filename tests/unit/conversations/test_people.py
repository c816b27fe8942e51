"""People first: the desk speaks only where it may."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.conversations.incoming import State
from shared.conversations.people import People, SpeakingRules
from shared.platform.clock import epoch_milliseconds
from tests.fakes.clock import A_MONDAY_MORNING

NOW = A_MONDAY_MORNING
RULES = SpeakingRules(
    bot_statuses=frozenset({"open"}),
    assignment_counts=False,
    resume_after=timedelta(hours=12),
    resume_label="bot",
)
WROTE = People(
    human_message_id=70020, human_at_us=100, human_arrived_ms=epoch_milliseconds(NOW), status="open"
)


def _state(status: str = "open", at: int | None = 50, **changes: Any) -> State:  # noqa: ANN401 - any field
    return replace(State(status, None, "", can_reply=True, labels=(), updated_at_us=at), **changes)


def test_in_an_open_conversation_without_people_the_desk_speaks() -> None:
    """The everyday case."""
    assert People(status="open").silence_reason(RULES, NOW) == ""


def test_of_a_conversation_nothing_is_known_and_the_desk_speaks() -> None:
    """Its first message is the first we hear of it."""
    assert People.from_item(None).silence_reason(RULES, NOW) == ""


@pytest.mark.parametrize("status", ["pending", "resolved", "snoozed"])
def test_outside_the_bot_statuses_the_desk_is_silent(status: str) -> None:
    """A status is how people say whose turn it is."""
    assert People(status=status).silence_reason(RULES, NOW) == f"status_{status}"


def test_after_a_persons_message_the_desk_is_silent() -> None:
    """Somebody took over."""
    assert WROTE.silence_reason(RULES, NOW) == "person_in_charge"


def test_twelve_hours_after_a_persons_last_message_the_desk_speaks_again() -> None:
    """People forget to give back."""
    assert WROTE.silence_reason(RULES, NOW + timedelta(hours=11, minutes=59)) == "person_in_charge"
    assert WROTE.silence_reason(RULES, NOW + timedelta(hours=12)) == ""


def test_a_company_may_want_its_people_to_stay_in_charge_for_good() -> None:
    """Until the conversation is resolved or given back."""
    rules = replace(RULES, resume_after=None)
    assert WROTE.silence_reason(rules, NOW + timedelta(days=365)) == "person_in_charge"


def test_resolving_ends_the_episode() -> None:
    """What a person wrote before it is context, and no pause any more."""
    assert replace(WROTE, resolved_at_us=101).silence_reason(RULES, NOW) == ""
    assert replace(WROTE, resolved_at_us=99).silence_reason(RULES, NOW) == "person_in_charge"


def test_the_return_to_a_bot_status_gives_the_conversation_back() -> None:
    """A person sets it to open again."""
    assert replace(WROTE, status_changed_at_us=101).silence_reason(RULES, NOW) == ""
    elsewhere = replace(WROTE, status_changed_at_us=101, status="pending")
    assert elsewhere.silence_reason(RULES, NOW) == "status_pending"


def test_the_label_gives_the_conversation_back() -> None:
    """And a message of a person after that takes it again."""
    labelled = replace(WROTE, labels=("vip", "bot"), label_added=("bot",), label_added_at_us=101)
    assert labelled.silence_reason(RULES, NOW) == ""
    later = replace(labelled, human_at_us=102, state_at_us=103)
    assert later.silence_reason(RULES, NOW) == "person_in_charge"
    assert replace(labelled, human_at_us=102).silence_reason(RULES, NOW) == "person_in_charge"


def test_an_assignee_counts_only_where_assignments_are_made_by_people() -> None:
    """Chatwoot assigns opening conversations by itself."""
    assigned = People(status="open", assignee_id=7, assignee_kind="User")
    assert assigned.silence_reason(RULES, NOW) == ""
    assert assigned.silence_reason(replace(RULES, assignment_counts=True), NOW) == "assigned_to_person"


def test_a_bot_as_assignee_is_nobody() -> None:
    """Our own bot may be assigned."""
    assigned = People(status="open", assignee_id=21, assignee_kind="AgentBot")
    assert assigned.silence_reason(replace(RULES, assignment_counts=True), NOW) == ""


def test_a_conversation_that_another_bot_has_is_left_to_it() -> None:
    """Ours is known by its id; where it is not known, no bot counts."""
    assigned = People(status="open", assignee_id=22, assignee_kind="AgentBot")
    assert assigned.silence_reason(replace(RULES, own_bot_id=21), NOW) == "another_bot"
    assert assigned.silence_reason(replace(RULES, own_bot_id=22), NOW) == ""


def test_the_newest_state_wins_by_chatwoots_order_not_by_arrival() -> None:
    """Events overtake each other."""
    known = People(status="resolved", state_at_us=60)
    assert known.seen_with([_state(at=50)]).status == "resolved"
    assert known.seen_with([_state(at=70)]).status == "open"
    assert known.seen_with([_state(at=None)]).status == "resolved"


@given(
    st.permutations([_state("open", 10), _state("pending", 20), _state("resolved", 30), _state("open", 40)])
)
def test_whatever_the_order_of_arrival_the_same_state_is_known_in_the_end(states: list[State]) -> None:
    """At-least-once and unordered delivery."""
    assert People().seen_with(states).status == "open"
    assert People().seen_with(states).state_at_us == 40


def test_items_of_another_version_are_read() -> None:
    """A deploy changes code before it changes items."""
    people = People.from_item({"pk": "x", "sk": "people", "v": 7, "status": "open", "new_field": 1})
    assert people.status == "open"
