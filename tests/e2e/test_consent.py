"""Consent in a real browser, on the deployed stack: the whole way, its ends, and attempts to steal it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.consent import PROVIDERS, Clinic

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningWorld
    from tests.support.browsing import Person

    Somebody = Callable[[], Person]

pytestmark = pytest.mark.e2e


@pytest.fixture(params=PROVIDERS)
def clinic(request: pytest.FixtureRequest, world: RunningWorld) -> Clinic:
    """A company whose name is not harmless, that wants to be connected."""
    return Clinic.opened(world, request.param)


def test_a_person_connects_an_account_and_may_take_it_back(clinic: Clinic, somebody: Somebody) -> None:
    """Link, our page, account, boxes, callback: connected, with words; one button undoes it."""
    person = somebody()
    person.opens(clinic.link())
    assert clinic.name in person.reads()
    assert clinic.title in person.reads()
    person.keeps_picture(f"{clinic.provider}-1-invitation")

    person.presses(f"Continue to {clinic.title}")
    person.keeps_picture(f"{clinic.provider}-2-accounts")
    person.chooses(clinic.account)
    person.ticks()
    person.keeps_picture(f"{clinic.provider}-3-consent")
    person.presses("Continue")
    person.keeps_picture(f"{clinic.provider}-4-connected")

    assert clinic.account in person.reads()
    assert person.complaints == []
    told = clinic.status()
    assert (told["connected"], told["account_email"], told["missing_scopes"]) == (True, clinic.account, [])
    assert told["expires_at"] > told["connected_at"]

    person.presses("This is not me: disconnect")
    person.keeps_picture(f"{clinic.provider}-5-disconnected")
    assert "no longer uses" in person.reads()
    assert clinic.status()["status"] == "not_connected"
    grants = clinic.simulator("GET", "/simulator/oauth")["grants"]
    # Microsoft has no call that ends a grant: what is kept here is gone, and there it stays listed.
    left = clinic.account in [one["account"] for one in grants]
    assert left is (clinic.provider == "microsoft")


def test_an_unticked_box_is_told_at_once(clinic: Clinic, somebody: Somebody) -> None:
    """What is missing is named on the page and in the status; nothing is used without it."""
    if clinic.provider == "microsoft":
        pytest.skip("its page has no boxes")
    person = somebody()
    person.opens(clinic.link())
    person.presses(f"Continue to {clinic.title}")
    person.consents(clinic.account, boxes=1)
    person.keeps_picture(f"{clinic.provider}-6-insufficient")

    assert "A permission is missing" in person.reads()
    told = clinic.status()
    assert (told["connected"], told["status"]) == (False, "insufficient")
    assert told["missing_scopes"]


def test_who_says_no_is_not_connected(clinic: Clinic, somebody: Somebody) -> None:
    """Denied consent: a clear page, and nothing stored."""
    person = somebody()
    person.opens(clinic.link())
    person.presses(f"Continue to {clinic.title}")
    person.chooses(clinic.account)
    person.presses("Cancel")
    person.keeps_picture(f"{clinic.provider}-7-denied")

    assert "Permission was not given" in person.reads()
    assert nothing_kept(clinic)


def test_another_account_is_asked_about_before_it_counts(clinic: Clinic, somebody: Somebody) -> None:
    """Signing in as somebody else never switches the account by itself."""
    person, other = somebody(), clinic.new_account(f"other-{clinic.account}")
    for account in (clinic.account, other):
        person.opens(clinic.link())
        person.presses(f"Continue to {clinic.title}")
        person.consents(account)
    person.keeps_picture(f"{clinic.provider}-8-another-account")
    assert clinic.status()["account_email"] == clinic.account

    person.presses(f"Switch to {other}")

    assert clinic.status()["account_email"] == other


def test_a_victim_who_opens_the_attackers_callback_connects_nothing(
    clinic: Clinic, somebody: Somebody, world: RunningWorld
) -> None:
    """The attacker's code never becomes the victim's connection, whatever cookie the victim has."""
    attacker, victim = somebody(), somebody()
    attacker.opens(clinic.link())
    attacker.presses(f"Continue to {clinic.title}")
    address = attacker.consents_without_coming_back(clinic.account)
    before = clinic.token_calls()

    victim.opens(address)
    victim.keeps_picture(f"{clinic.provider}-9-wrong-browser")
    assert "another browser" in victim.reads()

    own = Clinic.opened(world, clinic.provider)
    victim.opens(own.link())
    victim.presses(f"Continue to {own.title}")
    victim.opens(address)
    assert "another browser" in victim.reads()

    assert clinic.token_calls() == before
    assert nothing_kept(clinic)
    assert nothing_kept(own)


def test_a_victim_who_consents_to_the_attackers_question_connects_nothing(
    clinic: Clinic, somebody: Somebody
) -> None:
    """The attacker pressed our button and sends the provider's page on: the victim lacks the cookie."""
    attacker, victim = somebody(), somebody()
    attacker.opens(clinic.link())
    attacker.presses(f"Continue to {clinic.title}")
    victims = clinic.new_account(f"victim-{clinic.account}")
    before = clinic.token_calls()

    victim.opens(attacker.page.url)
    victim.consents(victims)

    assert "another browser" in victim.reads()
    assert clinic.token_calls() == before
    assert nothing_kept(clinic)


def test_a_page_elsewhere_cannot_press_the_button(clinic: Clinic, somebody: Somebody) -> None:
    """A form on another site that sends the attacker's link by itself gets no cookie and no redirect."""
    victim, link = somebody(), clinic.link()
    (token,) = parse_qs(urlsplit(link).query)["link"]
    address = link.partition("?")[0]
    field = f'<input type="hidden" name="link" value="{token}">'
    form = f'<form method="post" action="{address}">{field}<button>Win</button></form>'
    victim.page.route(
        "http://elsewhere.example/", lambda route: route.fulfill(body=form, content_type="text/html")
    )
    victim.opens("http://elsewhere.example/")

    victim.presses("Win")

    victim.keeps_picture(f"{clinic.provider}-10-foreign-form")
    assert victim.page.url == address
    assert victim.page.context.cookies() == []
    assert nothing_kept(clinic)


def test_a_callback_counts_once(clinic: Clinic, somebody: Somebody) -> None:
    """Opening the callback again, in the very same browser, exchanges nothing and changes nothing."""
    person = somebody()
    person.opens(clinic.link())
    person.presses(f"Continue to {clinic.title}")
    address = person.consents_without_coming_back(clinic.account)
    person.opens(address)
    before = (clinic.token_calls(), clinic.status())

    person.opens(address)

    assert "used" in person.reads()
    assert (clinic.token_calls(), clinic.status()) == before


def test_a_link_of_one_provider_opens_nothing_at_the_other(clinic: Clinic, somebody: Somebody) -> None:
    """A callback's state is good for the provider it was made for."""
    person, other = somebody(), next(one for one in PROVIDERS if one != clinic.provider)
    person.opens(clinic.link())
    person.presses(f"Continue to {clinic.title}")
    address = person.consents_without_coming_back(clinic.account)

    person.opens(address.replace(f"/{clinic.provider}/", f"/{other}/"))

    assert "could not be connected" in person.reads()
    assert nothing_kept(clinic)


def nothing_kept(clinic: Clinic) -> bool:
    """Whether no connection was stored, whatever else the flow noted."""
    return not [one for one in clinic.items() if one["sk"]["S"].startswith("connection#")]
