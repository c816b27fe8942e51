"""Connections and the card: plain values the door reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.companies.card import CompanyCard, card_attributes
from shared.companies.connection import ChatwootConnection, origin_of
from shared.companies.names import is_company_id, owner_pk


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://chat.example.com", "https://chat.example.com"),
        ("https://chat.example.com/", "https://chat.example.com"),
        ("HTTPS://Chat.Example.COM:443/path/", "https://chat.example.com"),
        ("https://chat.example.com.", "https://chat.example.com"),
        ("https://chat.example.com:8443", "https://chat.example.com:8443"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.0.0.1:443", "http://127.0.0.1:443"),
        ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]"),
    ],
)
def test_spellings_of_one_server_are_one_origin(url: str, origin: str) -> None:
    """Else one inbox could be claimed twice."""
    assert origin_of(url) == origin
    assert origin_of(origin) == origin


@given(
    st.builds(
        ChatwootConnection,
        base_url=st.just("https://chat.example.com"),
        account_id=st.integers(1, 2**53),
        signature=st.sampled_from(["required", "legacy", "token"]),
        user_id=st.none() | st.integers(1, 99),
        has_bot_token=st.booleans(),
        capabilities=st.dictionaries(st.text(max_size=5), st.booleans(), max_size=3),
        auto_assignment=st.dictionaries(
            st.from_regex(r"[0-9]{1,3}", fullmatch=True), st.booleans(), max_size=3
        ),
        webhook_id=st.none() | st.integers(1, 99),
        marker_survives=st.booleans(),
        connected_at=st.integers(0, 2**45),
    )
)
def test_a_connection_is_read_as_it_was_written(connection: ChatwootConnection) -> None:
    """Also from an item that holds more than it."""
    item = connection.as_item()
    assert item["origin"] == connection.origin
    assert (
        ChatwootConnection.from_item({**item, "pk": "company#sol", "revision": "x", "later": 1}) == connection
    )


def test_a_disconnected_connection_has_no_tokens() -> None:
    """It keeps where it was, and its webhook's number, so that leaving can be finished."""
    before = ChatwootConnection("https://a.example", 1, has_user_token=True, has_bot_token=True, webhook_id=9)
    after = before.disconnected()
    assert (after.connected, after.has_user_token, after.has_bot_token, after.webhook_id) == (
        False,
        False,
        False,
        9,
    )


def test_the_card_follows_the_document() -> None:
    """Defaults included: the item is written from what people wrote, not from the filled-in model."""
    unwritten = card_attributes({})
    assert (unwritten["mode"], unwritten["inboxes"], unwritten["default_via"]) == ("live", "all", "webhook")
    written = card_attributes({"mode": "off", "inboxes": [{"id": 3}, {"id": 4, "via": "agent_bot"}]})
    assert (written["mode"], written["inboxes"]) == ("off", {"3": "webhook", "4": "agent_bot"})


def test_a_card_answers_for_inboxes_it_does_not_own() -> None:
    """The door asks about every inbox of the account."""
    card = CompanyCard("sol", inboxes={3: "agent_bot"})
    assert (card.owns(4), card.listed(4), card.via(4)) == (False, False, "webhook")


@pytest.mark.parametrize("text", ["sol", "a", "0", "a-b-c", "a" * 40])
def test_these_are_company_ids(text: str) -> None:
    """Small letters, digits, dashes."""
    assert is_company_id(text)


@pytest.mark.parametrize(
    "text", ["", "-a", "A", "a_b", "a" * 41, "a\n", "é", "\u0661", "operator", "schema", None, 7, ["a"]]
)
def test_these_are_none(text: object) -> None:
    """Whatever a URL or a body holds."""
    assert not is_company_id(text)


def test_the_operators_partition_is_no_companys() -> None:
    """Its keys could otherwise be read as a company's."""
    assert owner_pk("operator") == "operator"
    assert owner_pk("sol") == "company#sol"
