"""One customer's data: handed out whole, forgotten for good, whatever the desk is doing meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.values import AgentResponse
from shared.companies.customers import FORGET_SECONDS, Customer, Customers
from shared.conversations.customer_shelf import CustomerShelf
from shared.conversations.customers import note_of
from shared.conversations.inbox import Inbox
from shared.conversations.ledger import Ledger
from shared.conversations.ledger_head import FenceLost
from shared.platform.errors import GiveUp, InvalidInput, NotFound
from tests.support import webhooks
from tests.support.desk import CONNECTION, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.companies.receipt import Receipt
    from shared.platform.tables import Item, Key, Table

ANA = Customer("sol", webhooks.ACCOUNT, webhooks.CONTACT)
EVA = Customer("sol", webhooks.ACCOUNT, 999)
WORDS = ("planted question", "planted answer", "planted person", "Ana Pérez", "34600000001")
EVAS = {
    "contact_inbox": {"contact_id": 999, "inbox_id": webhooks.INBOX, "source_id": "34699999999"},
    "meta": {"sender": {"id": 999, "name": "Eva", "type": "contact"}},
}


@pytest.fixture
def world(moto_table: Table) -> World:
    """A desk whose answers are planted, on DynamoDB's own words."""
    world = World(moto_table)
    world.mind.answer = answered
    return world


def answered(question: str) -> AgentResponse:
    """What the desk says to each of the two."""
    return AgentResponse("For Eva" if "Eva" in question else WORDS[1], "frontdesk", ())


def customers(world: World, installations: int = 1) -> Customers:
    """What is under test, on the world's table."""
    return Customers(
        (CustomerShelf(world.table, lambda _company_id: installations, world.clock),), world.clock
    )


def everything(world: World) -> list[Item]:
    """The whole table."""
    return list(world.table.scan())


def with_words(items: list[Item], words: tuple[str, ...] = WORDS) -> list[Item]:
    """The items that hold something somebody said, or a name or number of a person."""
    return [item for item in items if any(word in _text(item) for word in words)]


def _text(item: Item) -> str:
    """An item as text, also what stands in it as JSON text."""
    return repr({name: _opened(value) for name, value in item.items()})


def _opened(value: Any) -> Any:  # noqa: ANN401 - any attribute
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def whole_export(world: World, customer: Customer = ANA) -> dict[str, Any]:
    """All pages as one."""
    page = customers(world).export(customer)
    whole = dict(page)
    while page["next_cursor"] is not None:
        page = customers(world).export(customer, page["next_cursor"])
        for section in CustomerShelf.sections:
            whole[section] = whole[section] + page[section]
    return whole


def a_full_life(world: World) -> None:
    """Two conversations, a person, a dead letter, and another customer beside."""
    world.customer_writes(WORDS[0], 70_011)
    world.work_until_done()
    world.person_writes(WORDS[2], 70_020)
    world.customer_writes("planted question again", 70_030, 215)
    world.work_until_done()

    def refuse(_question: str) -> AgentResponse:
        raise GiveUp("no", reason="model_denied")

    world.mind.answer = refuse
    world.customer_writes("planted question, given up", 70_040, 216)
    world.work_until_done()
    world.office_until_done()
    world.mind.answer = answered
    world.customer_writes("Eva's question", 70_050, 300, **EVAS)
    world.work_until_done()


def test_the_export_holds_every_item_in_which_something_of_the_customer_stands(world: World) -> None:
    """By what stands in the table, not by what the export knows of."""
    a_full_life(world)
    told = whole_export(world)
    text = json.dumps(told, ensure_ascii=False)
    planted = with_words(everything(world))
    kinds = {item["sk"].split("#")[0] for item in planted}
    assert {"inbox", "turn", "message", "letter"} <= kinds
    shown = sum(len(told[section]) for section in ("messages", "ledger", "history", "dead_letters"))
    assert shown >= len(planted)
    for word in WORDS:
        assert text.count(word) >= sum(_text(item).count(word) for item in planted), word
    assert [one["conversation"] for one in told["conversations"]] == ["3-214", "3-215", "3-216"]
    assert {one["role"] for one in told["history"] if "role" in one} == {"customer", "desk", "person"}
    assert "Eva" not in text


def test_forgetting_leaves_no_word_and_touches_nobody_else(world: World) -> None:
    """Neither words, nor names, nor phone numbers; the other customer's items are as they were."""
    a_full_life(world)
    others = [item for item in everything(world) if "300" in item["pk"] or "#999" in item["pk"]]
    assert len(with_words(others, ("Eva",))) >= 3
    receipt = customers(world).forget(ANA)
    assert receipt.complete
    left = everything(world)
    assert with_words(left) == []
    assert [item for item in left if item in others] == others
    removed = {line.what: line.count for line in receipt.removed}
    assert removed["messages"] == 3
    assert removed["dead letters"] == 1
    assert removed["history entries"] >= 4
    empty = whole_export(world)
    assert [empty[section] for section in CustomerShelf.sections] == [[]] * 5


def test_the_receipt_names_what_remains(world: World) -> None:
    """Chatwoot's copy, numbers, backups; and no name."""
    a_full_life(world)
    receipt = customers(world).forget(ANA).as_dict()
    remains = " ".join(line["what"] for line in receipt["remains"])
    assert receipt["subject"] == "contact 3-481 of company sol"
    for word in ("Chatwoot", "point-in-time", "numbers", "audit", "queues"):
        assert word in remains
    assert not any(word in json.dumps(receipt) for word in WORDS)


def test_forgetting_twice_is_fine(world: World) -> None:
    """The second receipt has removed nothing."""
    a_full_life(world)
    customers(world).forget(ANA)
    before = everything(world)
    again = customers(world).forget(ANA)
    assert (again.complete, again.removed) == (True, ())
    assert everything(world) == before


def test_what_is_left_behind_goes_by_itself_within_thirty_days(world: World) -> None:
    """Numbers only, and each has its end."""
    a_full_life(world)
    customers(world).forget(ANA)
    until = world.clock.now().timestamp() + 30 * 86_400
    mine = [item for item in everything(world) if any(f"#{n}" in item["pk"] for n in (214, 215, 216))]
    assert mine
    assert all(item["expires_at"] <= until for item in mine)


def forget_whole(world: World) -> list[Receipt]:
    """Asked again until it is complete."""
    receipts = [customers(world).forget(ANA)]
    while not receipts[-1].complete:
        receipts.append(customers(world).forget(ANA))
        assert len(receipts) < 5
    return receipts


@pytest.mark.parametrize("when", ["thinking", "posting", "posted"])
def test_a_customer_who_is_forgotten_during_a_turn_gets_no_more_of_it(world: World, when: str) -> None:
    """The turn loses its fence: it writes and sends nothing more, and nothing of it comes back."""
    receipts: list[Receipt] = []

    def forget_once() -> None:
        if not receipts:
            receipts.extend(forget_whole(world))

    posting = world.chatwoot.post_message

    def post(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed through
        if when == "posting":
            forget_once()
        answer = posting(*args, **kwargs)
        if when == "posted":
            forget_once()
        return answer

    if when == "thinking":
        world.mind.while_thinking = forget_once
    world.chatwoot.post_message = post  # type: ignore[method-assign]
    world.customer_writes(WORDS[0], 70_011)
    world.work_until_done()
    assert [receipt.complete for receipt in receipts] == [False, True]
    assert with_words(everything(world)) == []
    assert len(world.said()) == (0 if when == "thinking" else 1)
    assert (len(world.queue), len(world.dead_letters)) == (0, 0)
    assert world.head()["turn"] == 0


class Interrupted:
    """A table that lets something happen once: before the history is written, or once a part is sent."""

    def __init__(self, table: Table, when: str, happens: Callable[[], None]) -> None:
        self._table = table
        self._when = when
        self._happens = happens

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - passed through
        return getattr(self._table, name)

    def put_many(self, items: list[Item]) -> None:
        """See `Table`."""
        self._at("writing the history")
        self._table.put_many(items)

    def update(self, key: Key, *args: Any, **kwargs: Any) -> Item:  # noqa: ANN401 - passed through
        """See `Table`."""
        item = self._table.update(key, *args, **kwargs)
        if item.get("state") == "SENT":
            self._at("sent")
        return item

    def _at(self, moment: str) -> None:
        if moment == self._when:
            self._when = ""
            self._happens()


def interrupt(world: World, when: str, happens: Callable[[], None]) -> None:
    """From now on, once."""
    object.__setattr__(world.desk, "table", Interrupted(world.table, when, happens))


def test_a_turn_that_is_just_writing_the_history_is_caught_by_the_second_look(world: World) -> None:
    """The narrowest moment: between its last look and its writing. The request says it is not finished."""
    receipts: list[Receipt] = []
    interrupt(world, "writing the history", lambda: receipts.append(customers(world).forget(ANA)))
    world.customer_writes(WORDS[0], 70_011)
    world.work_until_done()
    assert [receipt.complete for receipt in receipts] == [False]
    assert with_words(everything(world)) != []
    assert customers(world).forget(ANA).complete
    assert with_words(everything(world)) == []


def test_a_turn_that_has_sent_everything_writes_no_history_of_a_forgotten_customer(world: World) -> None:
    """Both looks are over when it comes to close itself."""
    receipts: list[Receipt] = []
    interrupt(world, "sent", lambda: receipts.extend(forget_whole(world)))
    world.customer_writes(WORDS[0], 70_011)
    world.work_until_done()
    assert [receipt.complete for receipt in receipts] == [False, True]
    assert with_words(everything(world)) == []


def test_whoever_holds_the_conversation_loses_it(world: World) -> None:
    """Also a worker that stood still for a while and never wrote anything of the turn."""
    world.customer_writes(WORDS[0], 70_011)
    world.work_until_done()
    ledger = Ledger(world.table, world.key(), world.clock)
    ledger.take_up()
    customers(world).forget(ANA)
    with pytest.raises(FenceLost):
        ledger.open_turn([])
    Ledger(world.table, world.key(), world.clock).take_up()
    with pytest.raises(FenceLost):
        ledger.open_turn([])


def test_a_message_that_waits_for_quiet_when_its_customer_is_forgotten_is_not_answered(world: World) -> None:
    """Its copy in the queue is known by its number."""
    world.customer_writes(WORDS[0], 70_011)
    world.clock.advance(1)
    world.work_once()
    assert len(world.queue) == 1
    assert customers(world).forget(ANA).complete
    world.work_until_done()
    assert (world.said(), world.mind.asked) == ([], [])
    assert with_words(everything(world)) == []


def test_a_message_after_forgetting_is_a_first_one(world: World) -> None:
    """It is answered, without anything from before; forgetting is not blocking."""
    a_full_life(world)
    customers(world).forget(ANA)
    world.customer_writes("Hola de nuevo", 70_100, 215)
    world.work_until_done()
    assert world.said(215)[-1] == WORDS[1]
    assert world.mind.asked[-1].history == ()
    assert [one["conversation"] for one in whole_export(world)["conversations"]] == ["3-215"]


def test_people_keep_the_conversation_that_they_have(world: World) -> None:
    """The desk does not speak over a person because the customer was forgotten."""
    world.customer_writes(WORDS[0], 70_011)
    world.work_until_done()
    world.person_writes(WORDS[2], 70_020)
    customers(world).forget(ANA)
    world.customer_writes("Hola de nuevo", 70_100)
    world.work_until_done()
    assert len(world.said()) == 1


def test_a_conversation_that_a_person_began_is_found_as_well(world: World) -> None:
    """The customer never wrote: only the door has kept something."""
    world.person_writes(WORDS[2], 70_020)
    assert [one["text"] for one in whole_export(world)["history"]] == [WORDS[2]]
    customers(world).forget(ANA)
    assert with_words(everything(world)) == []


def test_forgetting_goes_on_where_the_time_ended(world: World) -> None:
    """Together the receipts count everything once."""
    a_full_life(world)
    delete = world.table.delete

    def slow(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed through
        world.clock.advance(FORGET_SECONDS / 3)
        delete(*args, **kwargs)

    world.table.delete = slow  # type: ignore[method-assign]
    receipts = [customers(world).forget(ANA)]
    while not receipts[-1].complete:
        receipts.append(customers(world).forget(ANA))
    assert len(receipts) > 1
    assert with_words(everything(world)) == []
    messages = [line.count for one in receipts for line in one.removed if line.what == "messages"]
    assert sum(messages) == 3


def test_a_large_export_comes_in_pages(world: World) -> None:
    """Each fits through API Gateway; together they hold each entry once."""
    inbox = Inbox(world.table, world.key())
    for number in range(120):
        inbox.store(world.message("ñ" * 31_000, 70_000 + number), world.clock.now())
    world.table.put(note_of(world.message("", 1).contact, webhooks.CONVERSATION, world.clock.now()))
    page, sizes, seen = customers(world).export(ANA), [], []
    while True:
        sizes.append(len(json.dumps(page).encode()))
        seen += [one["message_id"] for one in page["messages"]]
        if page["next_cursor"] is None:
            break
        page = customers(world).export(ANA, page["next_cursor"])
    assert len(sizes) > 1
    assert sorted(seen) == list(range(70_000, 70_120))


def test_every_account_that_the_company_was_connected_to_is_looked_into(world: World) -> None:
    """Account numbers repeat between servers; a second connection has marks of its own."""
    world.companies.connections["sol"] = CONNECTION
    message = world.message(WORDS[0], 70_011)
    second = type(message.key)("sol", webhooks.ACCOUNT, webhooks.CONVERSATION, 2)
    world.queue.send(type(message).from_plain({**_plain(message), "key": vars(second)}))
    world.work_until_done()
    assert len(customers(world, 2).export(ANA)["messages"]) == 1
    assert customers(world, 1).export(ANA)["messages"] == []
    customers(world, 2).forget(ANA)
    assert with_words(everything(world)) == []


def _plain(message: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
    plain: dict[str, Any] = json.loads(message.to_json())
    return {name: value for name, value in plain.items() if name not in {"v", "kind"}}


@pytest.mark.parametrize("name", ["", "3", "3-", "3-0", "a-1", "3-1-2", "3-" + "9" * 19])
def test_what_names_no_customer_is_not_found(name: str) -> None:
    """Contact 0 stands for unknown people, who must not be one."""
    with pytest.raises(NotFound):
        Customer.named("sol", name)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5"])
def test_a_made_up_cursor_is_refused(world: World, cursor: str) -> None:
    """In words."""
    with pytest.raises(InvalidInput, match="cursor"):
        customers(world).export(EVA, cursor)
