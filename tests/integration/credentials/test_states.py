"""One-time tokens: bound, single, short-lived, and of no use to who reads the table."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.credentials.sealed_places import places, unknown_places
from shared.credentials.states import LIFETIME_SECONDS, NewState, States, StateUnusable
from shared.credentials.vault import CredentialUnreadable, Vault
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

    from shared.credentials.states import Kind

BROWSER, OTHER = Secret("browser-one"), Secret("browser-two")


class Desk:
    """Tokens over a table in memory."""

    def __init__(self, kms: KMSClient) -> None:
        self.clock = FakeClock()
        self.table = MemoryTable()
        key_arn = kms.create_key()["KeyMetadata"]["Arn"]
        self.vault = Vault(kms, self.table, key_arn, self.clock)
        self.states = States(self.table, self.vault, self.clock)

    def issue(self, kind: Kind = "state", company_id: str = "sol", provider: str = "google") -> str:
        """A token with a secret, bound to a browser."""
        held = {"verifier": Secret("planted-verifier")}
        new = NewState(kind, company_id, provider, {"note": "x"}, held, BROWSER)
        return self.states.issue(new).reveal()


@pytest.fixture
def desk(kms: KMSClient) -> Desk:
    """A vault and an empty table."""
    return Desk(kms)


def reason(desk: Desk, token: str, browser: Secret | None = BROWSER, **where: str) -> str:
    """Why a token does not count; empty where it does."""
    try:
        desk.states.look("state", where.get("provider", "google"), token, browser)
    except StateUnusable as error:
        return error.reason
    return ""


def test_a_token_gives_back_what_was_noted_and_sealed(desk: Desk) -> None:
    """To the browser that it was made for."""
    found = desk.states.look("state", "google", desk.issue(), BROWSER)
    assert (found.company_id, found.provider, dict(found.facts)) == ("sol", "google", {"note": "x"})
    assert found.secrets["verifier"].reveal() == "planted-verifier"


def test_each_reason_has_its_name(desk: Desk) -> None:
    """Pages explain them."""
    token = desk.issue()
    assert reason(desk, token) == ""
    assert reason(desk, token, OTHER) == reason(desk, token, None) == "state_wrong_browser"
    assert reason(desk, token, provider="calendly") == "state_wrong_provider"
    assert reason(desk, desk.issue("link")) == "state_unknown"
    desk.clock.advance(LIFETIME_SECONDS["state"])
    assert reason(desk, token) == "state_expired"


@pytest.mark.parametrize(("seconds", "usable"), [(599, True), (600, False), (86_400, False)])
def test_age_is_checked_though_the_item_is_still_there(desk: Desk, seconds: int, *, usable: bool) -> None:
    """To the second."""
    token = desk.issue()
    desk.clock.advance(seconds)
    assert (reason(desk, token) == "") is usable


def test_of_many_who_use_a_token_at_once_one_succeeds(desk: Desk) -> None:
    """A code is exchanged once."""
    state = desk.states.look("state", "google", desk.issue(), BROWSER)
    outcomes: list[str] = []

    def use() -> None:
        try:
            desk.states.take(state)
            outcomes.append("taken")
        except StateUnusable as error:
            outcomes.append(error.reason)

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(["taken", *["state_unknown"] * 19])


def test_a_link_is_traded_for_one_state_only(desk: Desk) -> None:
    """And is not lost where the trade fails."""
    link = desk.states.look("link", "google", desk.issue("link"), BROWSER)
    new = NewState("state", "sol", "google", browser=BROWSER)
    assert reason(desk, desk.states.trade(link, new).reveal()) == ""
    with pytest.raises(StateUnusable):
        desk.states.trade(link, new)
    assert sum(item["sk"].startswith("oauth_state#") for item in desk.table.scan()) == 1


def test_the_table_holds_no_token_no_cookie_and_no_verifier(desk: Desk) -> None:
    """Who reads it gains nothing."""
    token = desk.issue()
    kept = repr(list(desk.table.scan()))
    for text in (token, token.partition(".")[2], "browser-one", "planted-verifier"):
        assert text not in kept


def test_a_sealed_verifier_opens_in_its_own_row_only(desk: Desk) -> None:
    """Not even in another one of the same company."""
    mine, other = desk.issue(), desk.issue()
    items = [item for item in desk.table.scan() if item["sk"].startswith("oauth_state#")]
    first, second = items
    desk.table.put(first | {"sealed": second["sealed"]})
    desk.table.put(second | {"sealed": first["sealed"]})
    for token in (mine, other):
        with pytest.raises(CredentialUnreadable):
            desk.states.look("state", "google", token, BROWSER)


def test_a_rotation_of_keys_knows_where_the_secret_stands(desk: Desk) -> None:
    """It stops at a sealed value that it does not know."""
    desk.issue()
    (item,) = [item for item in desk.table.scan() if item["sk"].startswith("oauth_state#")]
    (place,) = places(item)
    opened = desk.vault.open("sol", place.provider, place.field, item[place.attribute])
    assert "planted-verifier" in opened.reveal()
    assert list(unknown_places(item)) == []


texts = st.text(max_size=120) | st.from_regex(r"\A[a-z-]{1,9}\.[A-Za-z0-9_-]{20,50}\Z")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=300)
@given(token=texts, browser=st.none() | st.text().map(Secret))
def test_no_text_but_the_token_counts(desk: Desk, token: str, browser: Secret | None) -> None:
    """Whatever it is, it is unknown, and nothing breaks."""
    assert reason(desk, token, browser) == "state_unknown"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(data=st.data())
def test_a_token_with_any_other_letter_is_unknown(desk: Desk, data: st.DataObject) -> None:
    """Also in the company's part, so that no token works for another company."""
    token = desk.issue()
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters().filter(lambda one: one != token[place]))
    changed = token[:place] + letter + token[place + 1 :]
    assert reason(desk, changed) == "state_unknown"
    assert reason(desk, token) == ""
