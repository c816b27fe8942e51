"""Companies in DynamoDB: documents, connections, and who owns which inbox."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.companies.card import Directory, candidates
from shared.companies.connection import ChatwootConnection
from shared.companies.model import Company
from shared.companies.store import CompanyStore
from shared.platform.clock import SystemClock
from shared.platform.errors import Conflict, GiveUp, InvalidInput, NotFound
from shared.platform.tables import Key
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.platform.tables import Table
    from tests.fakes.clock import FakeClock

SERVER = "https://chat.example.com"


def company(**fields: Any) -> Company:  # noqa: ANN401 - any JSON
    """A valid document with some fields of its own."""
    return Company.parse({"name": "Sol", "zone": "Europe/Madrid", "language": "es", **fields})


def inboxes(*ids: int) -> Company:
    """A company with these inboxes."""
    return company(inboxes=[{"id": number} for number in ids])


def connection(account_id: int = 1, base_url: str = SERVER) -> ChatwootConnection:
    """A connection to an account."""
    return ChatwootConnection(base_url=base_url, account_id=account_id)


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> Table:
    """The companies table."""
    return make_table(dynamodb, "companies")


@pytest.fixture
def store(table: Table, clock: FakeClock) -> CompanyStore:
    """The store under test."""
    return CompanyStore(table, clock)


@pytest.fixture
def directory(table: Table) -> Directory:
    """The door's view of the same table."""
    return Directory(table)


def owners_of(directory: Directory, inbox_id: int | None, account_id: int = 1) -> list[str]:
    """Who owns an inbox, as the door sees it."""
    return candidates(directory.claims(account_id), inbox_id)


def test_a_document_is_read_as_it_was_written(store: CompanyStore) -> None:
    """Versions count up; the stored text is the caller's."""
    assert store.put("sol", company(mode="shadow")) == 1
    assert store.put("sol", company(staff_email="a@b.es")) == 2
    stored = store.read("sol")
    assert stored.version == 2
    assert stored.document == company(staff_email="a@b.es").as_document()
    assert store.get("sol").staff_email == "a@b.es"


@pytest.mark.parametrize(
    "company_id", ["", "-a", "A", "a b", "a" * 41, "a/b", "operator", "schema", "a\n", "ñ"]
)
def test_an_id_that_is_none_is_refused(store: CompanyStore, company_id: str) -> None:
    """Ids stand in paths, keys and names of queues' groups."""
    with pytest.raises(InvalidInput, match="company_id"):
        store.put(company_id, company())


def test_a_write_on_an_old_version_is_refused(store: CompanyStore) -> None:
    """Two people who edit the same document do not overwrite each other unseen."""
    store.put("sol", company(), expected_version=0)
    store.put("sol", company(), expected_version=1)
    with pytest.raises(InvalidInput, match="version is 2, not 1") as refused:
        store.put("sol", company(), expected_version=1)
    assert refused.value.status == 412


def test_a_document_too_large_for_its_item_is_refused(store: CompanyStore) -> None:
    """In words, before DynamoDB says it without any."""
    pages = [{"title": "t", "markdown": "x" * 60_000}] * 6
    with pytest.raises(InvalidInput, match="at most 350000 bytes") as refused:
        store.put("sol", company(knowledge={"pages": pages}))
    assert refused.value.status == 413


def test_companies_are_listed_page_by_page(store: CompanyStore) -> None:
    """Every company once, in the order of ids."""
    for name in ("c", "a", "e", "b", "d"):
        store.put(name, company())
    seen, cursor = [], None
    while True:
        page, cursor = store.list(2, cursor)
        seen += [one.company_id for one in page]
        if cursor is None:
            break
    assert seen == ["a", "b", "c", "d", "e"]
    with pytest.raises(InvalidInput, match="cursor"):
        store.list(2, "no cursor")


def test_a_deleted_company_leaves_nothing_but_free_inboxes(store: CompanyStore, directory: Directory) -> None:
    """Its document, connection, listing and claims go together."""
    store.put("sol", inboxes(7))
    store.connect("sol", connection())
    store.delete("sol")
    assert directory.card("sol") is None
    assert store.connection("sol") is None
    assert store.list(10) == ([], None)
    assert owners_of(directory, 7) == []
    with pytest.raises(NotFound):
        store.delete("sol")
    with pytest.raises(NotFound):
        store.get("sol")


def test_a_stored_document_that_no_longer_fits_is_for_the_operator(store: CompanyStore, table: Table) -> None:
    """A turn that reads it gives up, instead of retrying or blaming a caller."""
    store.put("sol", company())
    table.update(
        Key("company#sol", "document"), "SET document = :d", values={":d": json.dumps({"name": "x"})}
    )
    with pytest.raises(GiveUp, match="document of sol is invalid"):
        store.get("sol")


def test_the_card_says_what_the_door_must_know(store: CompanyStore, directory: Directory) -> None:
    """Modes, inboxes, who sends their events, and the connection once there is one."""
    store.put("sol", company(mode="shadow", inboxes=[{"id": 3}, {"id": 4, "via": "agent_bot"}]))
    card = directory.card("sol")
    assert card is not None
    assert (card.mode, card.connection) == ("shadow", None)
    assert (card.owns(3), card.owns(5), card.listed(4), card.via(3), card.via(4)) == (
        True,
        False,
        True,
        "webhook",
        "agent_bot",
    )
    written = ChatwootConnection(
        base_url=f"{SERVER}/",
        account_id=1,
        signature="token",
        user_id=5,
        capabilities={"typing": False},
        inbox_channels={"3": "Channel::Whatsapp"},
        webhook_id=9,
        connected_at=12,
    )
    store.connect("sol", written)
    card = directory.card("sol")
    assert card is not None
    assert card.connection == written
    store.disconnect("sol")
    card = directory.card("sol")
    assert card is not None
    assert card.connection is None


def test_all_inboxes_are_owned_and_none_is_listed(store: CompanyStore, directory: Directory) -> None:
    """E-mail inboxes must be named by id, and "all" names none."""
    store.put("sol", company(default_via="agent_bot"))
    card = directory.card("sol")
    assert card is not None
    assert (card.owns(99), card.listed(99), card.via(99)) == (True, False, "agent_bot")


@pytest.mark.parametrize("company_id", ["unknown", "operator", "", "../x", "é" * 50])
def test_there_is_no_card_for_what_is_no_company(directory: Directory, company_id: str) -> None:
    """The id comes from a URL that anybody can call."""
    assert directory.card(company_id) is None


def test_candidates_are_the_owners_of_the_inbox_on_every_server(
    store: CompanyStore, directory: Directory
) -> None:
    """Account numbers repeat between servers, and an account may hold several companies' inboxes."""
    for name, document, base_url in [
        ("a", inboxes(1, 2), SERVER),
        ("b", inboxes(3), SERVER),
        ("c", company(), "https://other.example.com"),
    ]:
        store.put(name, document)
        store.connect(name, connection(base_url=base_url))
    store.put("d", inboxes(1))
    store.connect("d", connection(account_id=2))
    assert owners_of(directory, 1) == ["a", "c"]
    assert owners_of(directory, 3) == ["b", "c"]
    assert owners_of(directory, None) == ["a", "b", "c"]
    assert owners_of(directory, 1, account_id=2) == ["d"]
    assert owners_of(directory, 1, account_id=3) == []


def test_at_most_ten_candidates_are_tried(store: CompanyStore, directory: Directory) -> None:
    """Each costs a signature check, and the body that asks for them is not trusted yet."""
    for number in range(12):
        store.put(f"c{number}", company())
        store.connect(f"c{number}", connection(base_url=f"https://s{number}.example.com"))
    assert len(candidates(directory.claims(1), 5)) == 10


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [
        (inboxes(1, 2), inboxes(2, 3), "inbox 2"),
        (company(), inboxes(3), "another company"),
        (inboxes(3), company(), "another company"),
        (company(), company(), "another company"),
    ],
)
@pytest.mark.parametrize("last_write", ["document", "connection"])
def test_no_inbox_gets_a_second_owner(
    store: CompanyStore, directory: Directory, *, mine: Company, theirs: Company, words: str, last_write: str
) -> None:
    """Whichever of the two writes comes last is refused, and it does not say who the owner is."""
    store.put("first-owner", mine)
    store.connect("first-owner", connection())
    before = {number: owners_of(directory, number) for number in (1, 2, 3)}
    if last_write == "document":
        store.put("second", inboxes())
        store.connect("second", connection())
        with pytest.raises(Conflict, match=words) as refused:
            store.put("second", theirs)
    else:
        store.put("second", theirs)
        with pytest.raises(Conflict, match=words) as refused:
            store.connect("second", connection())
    assert "first-owner" not in str(refused.value)
    assert {number: owners_of(directory, number) for number in (1, 2, 3)} == before


def test_the_same_server_in_another_spelling_is_the_same_server(store: CompanyStore) -> None:
    """Else two companies could own one inbox after all."""
    store.put("a", company())
    store.connect("a", connection())
    store.put("b", company())
    for spelling in ("https://CHAT.example.com:443/", "https://chat.example.com./"):
        with pytest.raises(Conflict):
            store.connect("b", connection(base_url=spelling))


def test_what_is_given_up_is_free_at_once(store: CompanyStore, directory: Directory) -> None:
    """By fewer inboxes, by another account, by disconnecting."""
    store.put("a", inboxes(1, 2))
    store.connect("a", connection())
    store.put("b", inboxes(2))
    store.put("a", inboxes(1))
    store.connect("b", connection())
    assert owners_of(directory, 2) == ["b"]
    store.connect("b", connection(account_id=2))
    assert owners_of(directory, 2) == []
    assert owners_of(directory, 2, account_id=2) == ["b"]
    store.disconnect("b")
    assert owners_of(directory, 2, account_id=2) == []
    store.put("b", inboxes(1))  # without a connection nothing is claimed, so nothing is refused
    store.put("a", inboxes(5))
    store.connect("b", connection())
    assert owners_of(directory, 1) == ["b"]


def test_connecting_needs_a_company_and_disconnecting_nothing(store: CompanyStore) -> None:
    """A connection without a document would own nothing that anybody can see."""
    with pytest.raises(NotFound):
        store.connect("nobody", connection())
    store.put("sol", company())
    store.disconnect("sol")
    assert store.connection("sol") is None


def test_of_many_companies_that_claim_one_inbox_at_once_exactly_one_gets_it(table: Table) -> None:
    """Half of them by writing their document last, half by connecting last."""
    store, directory = CompanyStore(AtomicTable(table), SystemClock()), Directory(table)
    for number in range(8):
        store.put(f"c{number}", inboxes() if number % 2 else inboxes(7))
        if number % 2:
            store.connect(f"c{number}", connection())
    start = threading.Barrier(8)

    def claim(number: int) -> str:
        start.wait()
        try:
            if number % 2:
                store.put(f"c{number}", inboxes(7))
            else:
                store.connect(f"c{number}", connection())
        except Conflict as refused:
            return refused.reason
        return "won"

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(claim, range(8)))
    assert sorted(ends) == ["inbox_taken"] * 7 + ["won"]
    assert owners_of(directory, 7) == [f"c{ends.index('won')}"]


def test_writers_of_one_account_that_do_not_disturb_each_other_all_succeed(table: Table) -> None:
    """They meet on the same item, and try again until each is through."""
    store, directory = CompanyStore(AtomicTable(table), SystemClock()), Directory(table)
    for number in range(8):
        store.put(f"c{number}", inboxes(number + 1))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.connect(f"c{number}", connection()), range(8)))
    assert [owners_of(directory, number + 1) for number in range(8)] == [[f"c{n}"] for n in range(8)]


def test_a_document_and_a_connection_written_at_once_agree_in_the_end(table: Table) -> None:
    """Whatever the order, the claims follow from the last of both."""
    store, directory = CompanyStore(AtomicTable(table), SystemClock()), Directory(table)
    store.put("sol", inboxes(1))
    with ThreadPoolExecutor(2) as pool:
        for account_id in range(1, 9):
            connecting = pool.submit(store.connect, "sol", connection(account_id=account_id))
            store.put("sol", inboxes(account_id))
            connecting.result()
            assert owners_of(directory, account_id, account_id) == ["sol"]
    assert [owners_of(directory, None, number) for number in range(1, 8)] == [[]] * 7


def test_what_turns_learn_of_a_chatwoot_is_kept_with_the_connection_it_is_about(store: CompanyStore) -> None:
    """Not with the account that the company was connected to meanwhile."""
    store.put("sol", inboxes(12))
    store.connect("sol", connection(1))
    store.marker_lost("sol")
    known = store.connection("sol")
    assert known is not None
    assert not known.marker_survives
    fresh = replace(known, auto_assignment={"12": False}, inboxes_read_at=5)
    store.inboxes_read("sol", fresh)
    assert store.connection("sol") == fresh
    store.connect("sol", connection(2))
    store.inboxes_read("sol", fresh)
    assert store.connection("sol") == connection(2)
