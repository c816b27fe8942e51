"""Conversations and dead letters through the API: who sees what, and a second try, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.agent.values import AgentResponse
from shared.conversations.reader import Reader
from shared.platform.errors import GiveUp
from tests.fakes.table import MemoryTable
from tests.support.api import Api
from tests.support.aws import make_table
from tests.support.desk import UntoldWorld, World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.support.api import Told

WORDS = ("planted words of a customer", "planted answer", "María")


class Desk:
    """A company whose conversations the API shows."""

    def __init__(self, dynamodb: DynamoDBClient, kms: KMSClient) -> None:
        self.world = UntoldWorld(MemoryTable("conversations"))
        reader = Reader(self.world.table, self.world.clock)
        self.api = Api(dynamodb, kms, reader=reader, replayer=self.world.replayer)
        self.key = self.api.company("sol")
        self.world.mind.answer = lambda _question: AgentResponse(WORDS[1], "frontdesk", ())

    def get(self, path: str, *scopes: str) -> Told:
        """What a key of the company with these scopes is shown."""
        return self.api("GET", path, key=self.api.key("sol", *(scopes or ("read",))))

    def answered(self, message_id: int = 70_011, conversation_id: int = 214) -> None:
        """A message is answered."""
        self.world.customer_writes(WORDS[0], message_id, conversation_id)
        self.world.work_until_done()

    def given_up(self, message_id: int = 70_011, conversation_id: int = 214) -> str:
        """A message is given up and nobody can be told; the letter's id."""
        usual = self.world.mind.answer

        def refuse(_question: str) -> AgentResponse:
            raise GiveUp("no", reason="model_denied")

        self.world.mind.answer = refuse
        self.answered(message_id, conversation_id)
        self.world.office_until_done()
        self.world.mind.answer = usual
        self.world.clock.advance(1)
        newest: str = self.get("/api/dead-letters").json["dead_letters"][0]["letter_id"]
        return newest

    def replay(self, letter_id: str, key: str | None = None, **wish: object) -> Told:
        """The company replays a letter."""
        path = f"/api/dead-letters/{letter_id}/replay"
        if key is None:
            return self.api("POST", path, wish, key=self.key)
        return self.api("POST", path, wish, key=self.key, idempotency_key=key)


@pytest.fixture
def desk(dynamodb: DynamoDBClient, kms: KMSClient) -> Desk:
    """One company, and nothing written yet."""
    return Desk(dynamodb, kms)


def test_conversations_are_listed_by_their_newest_turn_page_by_page(desk: Desk) -> None:
    """Each once, however many turns it had."""
    for number in (1, 2, 3, 1):
        desk.answered(70_000 + desk.world.queue.sent, number)
        desk.world.clock.advance(60)
    first = desk.get("/api/conversations?limit=2").json
    rest = desk.get(f"/api/conversations?limit=2&cursor={first['next_cursor']}").json
    assert [one["conversation"] for one in first["conversations"]] == ["3-1", "3-3"]
    assert [one["conversation"] for one in rest["conversations"]] == ["3-2"]
    assert rest["next_cursor"] is None
    assert {one["last_outcome"] for one in first["conversations"]} == {"answered"}
    assert desk.api("GET", "/api/conversations", key=desk.api.company("luna")).json["conversations"] == []


def test_the_index_gives_the_same_list_in_dynamodb(dynamodb: DynamoDBClient) -> None:
    """The table in memory stands for it everywhere else."""
    world = World(make_table(dynamodb, "conversations"))
    for number in (1, 2, 1):
        world.customer_writes("hola", 70_000 + world.queue.sent, number)
        world.work_until_done()
        world.clock.advance(60)
    page, cursor = Reader(world.table, world.clock).recent("sol", 1)
    rest, end = Reader(world.table, world.clock).recent("sol", 1, cursor)
    assert [one["conversation"] for one in page + rest] == ["3-1", "3-2"]
    assert end is None


def test_a_conversation_is_shown_with_people_messages_turns_and_parts(desk: Desk) -> None:
    """What happened, for whoever looks for it."""
    desk.answered()
    desk.world.person_writes("Ya estoy", 80_000)
    shown = desk.get("/api/conversations/3-214").json
    assert shown["head"]["last_outcome"] == "answered"
    assert shown["people"]["person_message_id"] == 80_000
    assert [(one["message_id"], one["state"]) for one in shown["messages"]] == [(70_011, "answered")]
    [turn] = shown["turns"]
    assert (turn["turn"], turn["outcome"], turn["messages"]) == (1, "answered", [70_011])
    part = next(entry for entry in turn["entries"] if entry["entry"] == "part#000")
    assert (part["state"], part["message_id"]) == ("SENT", 90_000)


def test_what_was_said_is_shown_only_to_keys_that_may_read_texts(desk: Desk) -> None:
    """Neither the customer's words nor the desk's, nor a name."""
    letter = desk.given_up()
    desk.answered(70_020)
    paths = ("/api/conversations/3-214", f"/api/dead-letters/{letter}")
    for path in paths:
        assert not any(word in desk.get(path, "read").text for word in WORDS)
    assert all(word in desk.get(paths[0], "read", "read:text").text for word in WORDS[:2])
    assert WORDS[0] in desk.get(paths[1], "read", "read:text").text
    assert "contact_name" in desk.get(paths[1], "read", "read:text").json
    for scopes, seen in ((("act",), False), (("act", "read:text"), True)):
        key = desk.api.key("sol", *scopes)
        look = desk.api("POST", f"/api/dead-letters/{letter}/replay", {"dry_run": True}, key=key)
        assert (WORDS[0] in look.text) == seen


@pytest.mark.parametrize("name", ["3-999", "x", "3", "3-214-1", "3:214", "-3-214"])
def test_a_conversation_that_is_none_is_not_found(desk: Desk, name: str) -> None:
    """Whatever stands in the path."""
    desk.answered()
    assert desk.get(f"/api/conversations/{name}").status == 404


def test_a_company_sees_nothing_of_anothers_conversations_and_letters(desk: Desk) -> None:
    """Also where it knows the ids."""
    letter = desk.given_up()
    luna = desk.api.company("luna")
    for path in ("/api/conversations/3-214", f"/api/dead-letters/{letter}"):
        assert desk.get(path).status == 200
        assert desk.api("GET", path, key=luna).status == 404
    assert desk.api("GET", "/api/dead-letters", key=luna).json["dead_letters"] == []
    assert desk.api("POST", f"/api/dead-letters/{letter}/replay", {}, key=luna).status == 404
    assert len(desk.world.queue) == 0


def test_a_letter_is_listed_and_shown_with_its_ledger(desk: Desk) -> None:
    """Why it was given up, and how far its turn had come."""
    letter = desk.given_up()
    [line] = desk.get("/api/dead-letters").json["dead_letters"]
    assert (line["reason"], line["state"], line["conversation"]) == ("model_denied", "untold", "3-214")
    shown = desk.get(f"/api/dead-letters/{letter}").json
    assert shown["turn"] == 1
    assert [(one["message_id"], one["state"]) for one in shown["messages"]] == [(70_011, "given_up")]


def test_a_dry_run_says_what_would_happen_and_a_replay_does_it_once(desk: Desk) -> None:
    """And stands in the audit trail, which the dry run does not."""
    letter = desk.given_up()
    look = desk.replay(letter, dry_run=True).json
    assert (look["would"], look["gates"], look["messages"][0]["fate"]) == ("replay", [], "given_up")
    assert len(desk.world.queue) == 0
    done = desk.replay(letter).json
    assert (done["status"], done["message_ids"]) == ("replayed", [70_011])
    desk.world.work_until_done()
    assert desk.world.said() == [WORDS[1]]
    assert desk.replay(letter).json["status"] == "already_replayed"
    trail = desk.api("GET", "/api/companies/sol/audit", key=desk.key).json["records"]
    acts = [one for one in trail if one["action"] == "dead_letter.replay"]
    assert [(one["detail"]["letter_id"], one["detail"]["messages"]) for one in acts] == [(letter, [70_011])]


def test_the_same_request_again_gets_the_same_answer(desk: Desk) -> None:
    """Under one ``Idempotency-Key``."""
    letter = desk.given_up()
    first, second = (desk.replay(letter, key="once") for _ in range(2))
    assert first.json == second.json
    assert second.headers["idempotent-replayed"] == "true"
    assert len(desk.world.queue) == 1


def test_a_refusal_is_told_in_words_and_may_be_forced(desk: Desk) -> None:
    """409, as problem details."""
    letter = desk.given_up()
    desk.world.person_writes("Ya le atiendo", 80_000)
    look = desk.replay(letter, dry_run=True).json
    assert (look["would"], [gate["gate"] for gate in look["gates"]]) == ("refuse", ["person_in_charge"])
    assert desk.replay(letter, dry_run=True, force=True).json["would"] == "replay"
    refused = desk.replay(letter, key="a")
    assert (refused.status, refused.json["type"]) == (409, "urn:frontdesk:problem:replay_person_in_charge")
    assert "person is in charge" in refused.json["detail"]
    desk.world.clock.advance(1)
    assert desk.replay(letter, key="a", force=False).status == 409
    assert desk.replay(letter, force=True).json["status"] == "replayed"
    desk.world.work_until_done()
    assert desk.world.said() == [WORDS[1]]


def test_the_operator_says_whose_letter_it_is(desk: Desk) -> None:
    """A company's key need not."""
    letter = desk.given_up()
    path = f"/api/dead-letters/{letter}/replay"
    assert desk.api("POST", path, {}, key=desk.api.operator).status == 422
    done = desk.api("POST", path, {"company_id": "sol"}, key=desk.api.operator)
    assert done.json["status"] == "replayed"
