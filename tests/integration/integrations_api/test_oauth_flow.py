"""Consent at every provider as people, attackers and providers make it, through the real handler."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from shared.credentials.providers.registry import PROVIDERS
from shared.platform.errors import AnswerLost, RequestNotSent
from tests.fakes.consents import answered
from tests.support.api import OAUTH_SETTINGS, PUBLIC_URL, Api
from tests.support.oauth import Browser, forms_of, local_path
from tests.support.oauth_keys import a_service_account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from shared.platform.http import HttpAnswer
    from tests.support.api import Told

GOOGLE = "/api/integrations/google"
FREE_BUSY = "https://www.googleapis.com/auth/calendar.freebusy"
OWN_EVENTS = "https://www.googleapis.com/auth/calendar.events.owned"
APP = "https://app.sol.example"


def link(api: Api, provider: str = "google", company_id: str = "sol", **fields: str) -> str:
    """The address that a person of the company is given."""
    body = {"company_id": company_id, **fields}
    answer = api("POST", f"/api/integrations/{provider}/connect", body, key=api.operator)
    assert answer.status == 200, answer.text
    assert answer.json["status"] == "success"
    assert answer.json["auth_url"].startswith(f"{PUBLIC_URL}/api/integrations/{provider}/start?")
    return local_path(answer.json["auth_url"])


def depart(browser: Browser, start: str) -> str:
    """Open the link and press its button; gives the provider's address."""
    page = browser.get(start)
    assert page.status == 200, page.text
    (form,) = forms_of(page)
    answer = browser.post(start.partition("?")[0], form[1])
    assert answer.status == 303, answer.text
    return answer.headers["location"]


def callback(provider: str, query: str) -> str:
    """Where the provider sends the browser back to."""
    return f"/api/integrations/{provider}/callback?{query}"


def connected(api: Api, browser: Browser, email: str = "ana@sol.example", **consent: Any) -> Told:  # noqa: ANN401 - arguments of FakeConsents.consent
    """The whole way with Google."""
    location = depart(browser, link(api))
    return browser.get(callback("google", api.provider.consent(location, email, **consent)))


def status(api: Api, provider: str = "google", company_id: str = "sol") -> dict[str, Any]:
    """What ``status`` tells."""
    path = f"/api/integrations/{provider}/status?company_id={company_id}"
    told: dict[str, Any] = api("GET", path, key=api.operator).json
    return told


def stored(api: Api) -> list[str]:
    """The sort keys of the connections that are stored."""
    return [item["sk"] for item in api.credentials_table.scan() if item["sk"].startswith("connection#")]


@pytest.fixture
def sol(api: Api) -> Api:
    """The API with one company."""
    api.company("sol")
    return api


@pytest.mark.parametrize("listed", [True, False], ids=["as AWS", "as the local AWS"])
@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_a_person_consents_and_the_company_is_connected(sol: Api, provider: str, *, listed: bool) -> None:
    """From the link to ``status``, with cookies in both of the places where they come."""
    browser = Browser(sol, listed=listed)
    location = depart(browser, link(sol, provider))
    asked = parse_qs(urlsplit(location).query)
    assert asked["redirect_uri"] == [f"{PUBLIC_URL}/api/integrations/{provider}/callback"]
    assert len(asked["code_challenge"][0]) == 43
    page = browser.get(callback(provider, sol.provider.consent(location)))
    assert page.status == 200, page.text
    assert "Clínica Sol" in page.text
    assert "ana@sol.example" in page.text
    told = status(sol, provider)
    assert (told["connected"], told["available"], told["status"]) == (True, True, "connected")
    assert told["account_email"] == "ana@sol.example"
    assert told["missing_scopes"] == []
    assert told["expires_at"].startswith("2026-11-23T09:59:59")
    assert told["last_error"] is None
    assert told.get("organization_uri") == (
        "https://api.calendly.com/organizations/O1" if provider == "calendly" else None
    )


def test_google_is_asked_for_lasting_access_and_a_real_consent(sol: Api) -> None:
    """Otherwise there would be no refresh token."""
    asked = dict(parse_qsl(urlsplit(depart(Browser(sol), link(sol))).query))
    assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
    assert asked["scope"].split()[:2] == ["openid", "email"]


def test_the_page_before_consent_names_company_provider_and_what_is_shared(sol: Api) -> None:
    """In the company's language."""
    page = Browser(sol).get(link(sol))
    assert '<html lang="es">' in page.text
    for words in ("Clínica Sol", "Google Calendar", "ver a qué horas estás ocupado", "dirección de correo"):
        assert words in page.text
    assert page.cookies == ()


def test_pages_load_nothing_and_are_framed_by_nobody(sol: Api) -> None:
    """And no address that leads to them is told to others."""
    page = Browser(sol).get(link(sol))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "strict-origin"
    assert "<script" not in page.text
    assert not re.search(r'(src|href)="', page.text)


def test_names_of_companies_and_accounts_are_text_and_nothing_more(api: Api) -> None:
    """A company may call itself what it likes."""
    api.company("sol", name='<img src=x onerror="alert(1)">')
    browser = Browser(api)
    first = browser.get(link(api))
    last = connected(api, browser, '"><script>alert(2)</script>@x.example')
    for page in (first, last):
        assert "<img" not in page.text
        assert "<script" not in page.text
    assert "&lt;img" in first.text


@pytest.mark.parametrize(
    ("stage", "name", "secure"),
    [("prod", "__Host-frontdesk-connect", True), ("local", "frontdesk-connect", False)],
)
def test_the_cookie_is_bound_to_our_host(
    dynamodb: DynamoDBClient, kms: KMSClient, stage: str, name: str, *, secure: bool
) -> None:
    """No script reads it; only the local stage, which has no https, does without prefix and ``Secure``."""
    api = Api(dynamodb, kms, stage=stage)
    api.company("sol")
    browser = Browser(api)
    start = link(api)
    (form,) = forms_of(browser.get(start))
    (cookie,) = browser.post(start.partition("?")[0], form[1]).cookies
    assert cookie.startswith(f"{name}=")
    attributes = set(cookie.split("; ")[1:])
    assert attributes >= {"Path=/", "HttpOnly", "SameSite=Lax"}
    assert ("Secure" in attributes) is secure
    assert not any(attribute.startswith("Domain") for attribute in attributes)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("own_flow", [True, False], ids=["with a flow of its own", "with nothing"])
def test_a_victim_who_opens_the_attackers_callback_connects_nothing(
    sol: Api, *, listed: bool, own_flow: bool
) -> None:
    """The attack that ``state`` exists for: the attacker's code and state in the victim's browser."""
    attacker, victim = Browser(sol, listed=listed), Browser(sol, listed=listed)
    if own_flow:
        depart(victim, link(sol))
    query = sol.provider.consent(depart(attacker, link(sol)), "mallory@evil.example")
    page = victim.get(callback("google", query))
    assert page.status == 400
    assert "otro navegador" in page.text
    assert "mallory" not in page.text
    assert not status(sol)["connected"]
    assert sol.provider.called == []
    assert attacker.get(callback("google", query)).status == 200, "the code was not spent"


def test_a_form_on_another_site_cannot_press_our_button(sol: Api) -> None:
    """Else the victim would arrive at the provider without having read for whom."""
    start = link(sol)
    fields = {"link": start.partition("link=")[2]}
    for site, headers in [
        ("cross-site", {}),
        ("same-site", {}),
        ("none", {}),
        ("", {"origin": "https://evil.example"}),
        ("", {"origin": "null"}),
        ("", {"origin": "https://desk.example.com.evil.example"}),
        ("", {"origin": "https://[::1"}),
        ("", {}),
    ]:
        refused = Browser(sol).post(f"{GOOGLE}/start", fields, site, **headers)
        assert (refused.status, refused.cookies) == (403, ()), (site, headers)
    fine = Browser(sol).post(f"{GOOGLE}/start", fields, "", origin=PUBLIC_URL)
    assert fine.status == 303


def test_a_link_works_once_and_for_an_hour(sol: Api) -> None:
    """Looking at it uses nothing up."""
    start = link(sol)
    for _ in range(3):
        assert Browser(sol).get(start).status == 200
    depart(Browser(sol), start)
    again = Browser(sol).get(start)
    assert again.status == 400
    assert "ya se ha usado" in again.text or "has been used" in again.text
    old = link(sol)
    sol.clock.advance(3600)
    assert "caducado" in Browser(sol).get(old).text


def test_a_state_that_is_ten_minutes_old_is_refused_though_the_table_still_has_it(sol: Api) -> None:
    """DynamoDB deletes late; the code must look."""
    browser = Browser(sol)
    query = sol.provider.consent(depart(browser, link(sol)))
    sol.clock.advance(600)
    page = browser.get(callback("google", query))
    assert (page.status, "caducado" in page.text) == (400, True)
    assert sol.provider.called == []
    fresh = sol.provider.consent(depart(browser, link(sol)))
    sol.clock.advance(599)
    assert browser.get(callback("google", fresh)).status == 200


def test_a_callback_that_is_opened_again_does_nothing(sol: Api) -> None:
    """Neither the back button nor a thief of the address gets a second connection."""
    browser = Browser(sol)
    query = sol.provider.consent(depart(browser, link(sol)))
    assert browser.get(callback("google", query)).status == 200
    calls = list(sol.provider.called)
    again = browser.get(callback("google", query))
    assert again.status == 400
    assert sol.provider.called == calls
    assert status(sol)["connected"]


def test_a_state_of_one_provider_is_none_of_the_other(sol: Api) -> None:
    """A mix-up of providers would hand one's code to the other."""
    browser = Browser(sol)
    query = sol.provider.consent(depart(browser, link(sol)))
    assert browser.get(callback("calendly", query)).status == 400
    assert sol.provider.called == []


def test_a_state_renamed_to_another_company_is_none(sol: Api) -> None:
    """The company in its text only says where to look."""
    sol.company("luna")
    browser = Browser(sol)
    query = sol.provider.consent(depart(browser, link(sol))).replace("sol.", "luna.")
    assert browser.get(callback("google", query)).status == 400
    assert stored(sol) == []


def test_the_issuer_counts_where_it_is_sent(sol: Api) -> None:
    """RFC 9207: an answer of somebody else is not exchanged."""
    browser = Browser(sol)
    wrong = sol.provider.consent(depart(browser, link(sol)), iss="https://evil.example")
    assert browser.get(callback("google", wrong)).status == 400
    assert sol.provider.called == []
    right = sol.provider.consent(depart(browser, link(sol)), iss="https://accounts.google.com")
    assert browser.get(callback("google", right)).status == 200


def test_denied_consent_is_told_and_stores_nothing(sol: Api) -> None:
    """The person said no."""
    browser = Browser(sol)
    state = parse_qs(urlsplit(depart(browser, link(sol))).query)["state"][0]
    page = browser.get(callback("google", urlencode({"error": "access_denied", "state": state})))
    assert page.status == 403
    assert "no puede usar" in page.text
    assert (stored(sol), sol.provider.called) == ([], [])


def test_an_unticked_box_is_stored_as_insufficient_and_said_in_words(sol: Api) -> None:
    """Not a 403 later."""
    page = connected(sol, Browser(sol), scopes=f"openid email {FREE_BUSY}")
    assert page.status == 403
    assert "crear, cambiar y borrar citas" in page.text
    told = status(sol)
    assert (told["connected"], told["status"]) == (False, "insufficient")
    assert told["missing_scopes"] == [OWN_EVENTS]


def test_an_unticked_box_does_not_break_a_connection_that_works(sol: Api) -> None:
    """The earlier grant has what the new one lacks."""
    browser = Browser(sol)
    connected(sol, browser)
    page = connected(sol, browser, scopes="openid email")
    assert page.status == 403
    assert "sigue como estaba" in page.text
    assert status(sol)["connected"]
    assert sol.provider.revoked == [], "revoking would end the whole grant of this account"


def test_a_wider_grant_than_asked_is_enough(sol: Api) -> None:
    """As connections have it that were brought along from elsewhere."""
    wide = "openid email https://www.googleapis.com/auth/calendar"
    assert connected(sol, Browser(sol), scopes=wide).status == 200
    assert status(sol)["connected"]


def test_a_second_consent_without_a_refresh_token_keeps_the_first_ones(sol: Api) -> None:
    """Google gives one with the first consent only, unless it is made to."""
    browser = Browser(sol)
    assert connected(sol, browser).status == 200
    assert connected(sol, browser, refresh=False).status == 200
    assert status(sol)["connected"]


def test_a_first_consent_without_a_refresh_token_is_refused_in_words(sol: Api) -> None:
    """It would stop working within the hour."""
    page = connected(sol, Browser(sol), refresh=False)
    assert page.status == 400
    assert "permiso duradero" in page.text
    assert stored(sol) == []


def test_another_account_is_reported_and_changes_nothing_until_the_person_says_so(sol: Api) -> None:
    """Then the earlier grant is given back."""
    browser = Browser(sol)
    connected(sol, browser)
    page = connected(sol, browser, "otra@sol.example")
    assert "otra@sol.example" in page.text
    assert "ana@sol.example" in page.text
    assert status(sol)["account_email"] == "ana@sol.example"
    done = browser.press(page, f"{GOOGLE}/callback", "Cambiar")
    assert done.status == 200, done.text
    told = status(sol)
    assert (told["account_email"], told["connected"]) == ("otra@sol.example", True)
    assert len(sol.provider.revoked) == 1
    again = browser.press(page, f"{GOOGLE}/callback", "Cambiar")
    assert again.status == 400


def test_the_earlier_grant_ends_only_when_the_new_one_stands(sol: Api) -> None:
    """A crash in between leaves two grants, never none."""
    browser = Browser(sol)
    connected(sol, browser)
    page = connected(sol, browser, "otra@sol.example")
    seen: list[str] = []
    sol.provider.on_revoke = lambda: seen.append(status(sol)["account_email"])
    browser.press(page, f"{GOOGLE}/callback", "Cambiar")
    body = {"company_id": "sol", "service_account": a_service_account()}
    sol("POST", f"{GOOGLE}/connect", body, key=sol.operator)
    assert seen == ["otra@sol.example", "desk@sol.iam.gserviceaccount.com"]


def test_a_switch_whose_old_grant_is_not_confirmed_says_so(sol: Api) -> None:
    """The new account is in use all the same."""
    browser = Browser(sol)
    connected(sol, browser)
    page = connected(sol, browser, "otra@sol.example")
    sol.provider.failing["/revoke"] = answered(503, {})
    done = browser.press(page, f"{GOOGLE}/callback", "Cambiar")
    assert (done.status, "no ha confirmado" in done.text) == (200, True)
    assert status(sol)["account_email"] == "otra@sol.example"


def test_the_earlier_account_may_be_kept(sol: Api) -> None:
    """The other one's grant is given back."""
    browser = Browser(sol)
    connected(sol, browser)
    page = connected(sol, browser, "otra@sol.example")
    kept = browser.press(page, f"{GOOGLE}/callback", "Dejar")
    assert (kept.status, "ana@sol.example" in kept.text) == (200, True)
    assert status(sol)["account_email"] == "ana@sol.example"
    assert len(sol.provider.revoked) == 1


def test_only_the_browser_that_consented_answers_the_question(sol: Api) -> None:
    """And only with an answer that was offered."""
    browser = Browser(sol)
    connected(sol, browser)
    page = connected(sol, browser, "otra@sol.example")
    stranger = Browser(sol)
    depart(stranger, link(sol))
    assert stranger.press(page, f"{GOOGLE}/callback", "Cambiar").status == 400
    fields = forms_of(page)[0][1]
    assert browser.post(f"{GOOGLE}/decide", fields, "cross-site").status == 403
    assert browser.post(f"{GOOGLE}/decide", fields | {"word": "disconnect"}).status == 400
    assert status(sol)["account_email"] == "ana@sol.example"


def test_an_account_that_was_changed_meanwhile_is_not_switched(sol: Api) -> None:
    """The question was about another state of things."""
    browser = Browser(sol)
    connected(sol, browser)
    page = connected(sol, browser, "otra@sol.example")
    sol("POST", f"{GOOGLE}/disconnect", {"company_id": "sol"}, key=sol.operator)
    assert browser.press(page, f"{GOOGLE}/callback", "Cambiar").status == 409
    assert stored(sol) == []


def test_not_me_disconnects(sol: Api) -> None:
    """The button of the last page: revoked at the provider, deleted here, written down."""
    browser = Browser(sol)
    page = connected(sol, browser)
    gone = browser.press(page, f"{GOOGLE}/callback", "No soy yo")
    assert gone.status == 200, gone.text
    assert status(sol)["status"] == "not_connected"
    assert len(sol.provider.revoked) == 1
    actions = {record.action for record in sol.services.audit.list("sol", 10)[0]}
    assert actions >= {"google.link", "google.connect", "google.disconnect"}


def trusting(dynamodb: DynamoDBClient, kms: KMSClient) -> Api:
    """An API that lets pages of the company's address call it."""
    api = Api(dynamodb, kms, allowed_origins=(APP,))
    api.company("sol", return_urls=[APP, "https://other.sol.example/x"])
    return api


def test_the_browser_goes_to_the_companys_page_where_the_operator_trusts_it(
    dynamodb: DynamoDBClient, kms: KMSClient
) -> None:
    """302, with the words that the older program's pages know."""
    api = trusting(dynamodb, kms)
    browser = Browser(api)
    back = connected(api, browser)
    assert back.status == 302
    assert back.headers["location"] == f"{APP}/dashboard?integration=google&status=success"
    assert back.headers["referrer-policy"] == "no-referrer"
    failed = connected(api, browser, scopes="openid email")
    assert failed.headers["location"] == f"{APP}/dashboard?integration=google&status=error"


def test_elsewhere_our_page_comes_first_and_links_on(dynamodb: DynamoDBClient, kms: KMSClient) -> None:
    """A company cannot switch off that people see which account goes to whom."""
    api = trusting(dynamodb, kms)
    browser = Browser(api)
    location = depart(browser, link(api, return_to="https://other.sol.example/x"))
    page = browser.get(callback("google", api.provider.consent(location)))
    assert (page.status, "ana@sol.example" in page.text) == (200, True)
    shown = "https://other.sol.example/x/dashboard?integration=google&amp;status=success"
    assert f'href="{shown}"' in page.text


def test_no_other_address_is_ever_gone_to(dynamodb: DynamoDBClient, kms: KMSClient) -> None:
    """Neither one that is asked for nor one that was taken off the list meanwhile."""
    api = trusting(dynamodb, kms)
    for wanted in ("https://evil.example", f"{APP}.evil.example", f"{APP}/", f"{APP}@evil.example"):
        body = {"company_id": "sol", "return_to": wanted}
        refused = api("POST", f"{GOOGLE}/connect", body, key=api.operator)
        assert (refused.status, refused.fields) == (422, ["return_to"]), wanted
    browser = Browser(api)
    location = depart(browser, link(api))
    document = api("GET", "/api/companies/sol", key=api.operator).json | {"return_urls": []}
    api("PUT", "/api/companies/sol", document, key=api.operator)
    page = browser.get(callback("google", api.provider.consent(location)))
    assert (page.status, APP in page.text) == (200, False)


LOST: Mapping[str, Any] = {
    "unreachable": RequestNotSent("nobody there"),
    "lost": AnswerLost("the answer never came"),
    "outage": answered(503, {}),
    "proxy": answered(400, "an HTML page"),
    "nonsense": answered(200, {"token_type": "bearer"}),
}


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("call", ["/token", "/userinfo"])
def test_a_provider_that_fails_leaves_nothing_behind(sol: Api, kind: str, call: str) -> None:
    """A page that says so; the next link works."""
    browser = Browser(sol)
    sol.provider.failing[call] = LOST[kind]
    page = connected(sol, browser)
    assert page.status >= 400
    assert "no se ha guardado nada" in page.text.lower()
    assert stored(sol) == []
    sol.provider.failing.clear()
    assert connected(sol, browser).status == 200


def test_a_secret_of_ours_that_the_provider_refuses_is_the_operators_to_mend(
    sol: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    """500 and a metric: every company would meet it."""
    sol.provider.failing["/token"] = answered(401, {"error": "invalid_client"})
    page = connected(sol, Browser(sol))
    assert (page.status, "quien opera Frontdesk" in page.text) == (500, True)
    assert '"OAuthClientRefused"' in capsys.readouterr().out


ODD = [
    "",
    "state=",
    "code=x",
    "state=sol.x&state=sol.y&code=1",
    "state=%00%ff&code=%FF",
    "state=" + "a" * 5000,
    "&".join(f"a{number}=1" for number in range(60)),
    "state[]=1&code[]=2",
    "state=operator.x&code=1",
    "state=..%2f..%2fetc&code=1",
    "error=access_denied",
    "error=<script>alert(1)</script>&state=<script>",
    "iss=x&state=sol.%F0%9F%92%A9",
]


@pytest.mark.parametrize("query", ODD)
@pytest.mark.parametrize("tail", ["callback", "start"])
def test_odd_queries_get_a_page(sol: Api, query: str, tail: str) -> None:
    """Nothing is spent, nothing breaks."""
    browser = Browser(sol)
    depart(browser, link(sol))
    page = browser.get(f"{GOOGLE}/{tail}?{query}")
    assert (page.status, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "<script" not in page.text
    assert (stored(sol), sol.provider.called) == ([], [])


@pytest.mark.parametrize("raw", ["", "link=a&link=b", "link=" + "x" * 9000, "\udcff", "{}"])
def test_odd_forms_get_a_page(sol: Api, raw: str) -> None:
    """The same for what is posted."""
    for tail in ("start", "decide"):
        for kind in ("application/x-www-form-urlencoded", "application/json"):
            path = f"{GOOGLE}/{tail}"
            page = sol("POST", path, raw=raw, sec_fetch_site="same-origin", content_type=kind)
            assert page.status == 400


@pytest.mark.parametrize("without", ["client id", "secret"])
def test_a_provider_that_is_not_set_up_is_told_at_once(
    dynamodb: DynamoDBClient, kms: KMSClient, without: str
) -> None:
    """409 with words, and ``status`` says the same."""
    settings = dict(OAUTH_SETTINGS)
    if without == "client id":
        settings["FRONTDESK_GOOGLE_CLIENT_ID"] = "-"
    api = Api(dynamodb, kms, oauth_settings=settings)
    api.company("sol")
    if without == "secret":
        del api.provider.secrets.known["google_client_secret"]
    refused = api("POST", f"{GOOGLE}/connect", {"company_id": "sol"}, key=api.operator)
    assert (refused.status, refused.json["type"].rpartition(":")[2]) == (409, "provider_off")
    assert "google_client_" in refused.json["detail"]
    if without == "client id":
        assert status(api)["available"] is False
        assert status(api, "calendly")["available"] is True


def test_a_provider_that_is_switched_off_between_link_and_button_says_so(
    dynamodb: DynamoDBClient, kms: KMSClient
) -> None:
    """On a page, because a person looks at it."""
    api = Api(dynamodb, kms)
    api.company("sol")
    start = link(api)
    off = Api.__new__(Api)
    off.__dict__.update(api.__dict__)
    api.oauth_clients._ids["google"] = "-"
    page = Browser(off).get(start)
    assert (page.status, "no está disponible" in page.text or "not available" in page.text) == (409, True)


def test_disconnecting_revokes_and_deletes(sol: Api) -> None:
    """Twice is fine."""
    connected(sol, Browser(sol))
    gone = sol("POST", f"{GOOGLE}/disconnect", {"company_id": "sol"}, key=sol.operator)
    assert gone.json == {"status": "disconnected", "revoked": True, "warnings": []}
    assert sol.provider.revoked == ["1//refresh-1"]
    again = sol("POST", f"{GOOGLE}/disconnect", {"company_id": "sol"}, key=sol.operator)
    assert again.json == {"status": "disconnected", "revoked": None, "warnings": []}
    assert stored(sol) == []


def test_a_provider_that_does_not_confirm_does_not_keep_a_company_connected(sol: Api) -> None:
    """Deleted here all the same, and told what to do there."""
    connected(sol, Browser(sol))
    sol.provider.failing["/revoke"] = RequestNotSent("nobody there")
    gone = sol("POST", f"{GOOGLE}/disconnect", {"company_id": "sol"}, key=sol.operator).json
    assert gone["revoked"] is False
    assert "myaccount.google.com" in gone["warnings"][0]
    assert stored(sol) == []


def test_a_company_that_is_gone_cannot_be_connected(sol: Api) -> None:
    """Its grants end with it, and its links are of no use, not even to a successor of that name."""
    browser = Browser(sol)
    query = sol.provider.consent(depart(browser, link(sol)))
    connected(sol, Browser(sol), "otra@sol.example")
    assert sol("DELETE", "/api/companies/sol", key=sol.operator).json["warnings"] == []
    assert sol.provider.revoked == ["1//refresh-1"]
    assert list(sol.credentials_table.scan()) == []
    sol.company("sol")
    assert browser.get(callback("google", query)).status == 400
    assert stored(sol) == []


def test_two_tabs_of_one_browser_do_not_disturb_each_other(sol: Api) -> None:
    """One cookie for both; each state is its own."""
    sol.company("luna")
    browser = Browser(sol)
    first, second = depart(browser, link(sol)), depart(browser, link(sol, company_id="luna"))
    for location, company_id in ((first, "sol"), (second, "luna")):
        query = sol.provider.consent(location, f"{company_id}@x.example")
        assert browser.get(callback("google", query)).status == 200
        assert status(sol, company_id=company_id)["account_email"] == f"{company_id}@x.example"


def test_nothing_secret_is_stored_in_plain_or_logged(sol: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """Link, state, cookie, code, verifier and tokens: the table has hashes and sealed values."""
    browser = Browser(sol)
    start = link(sol)
    location = depart(browser, start)
    query = sol.provider.consent(location)
    waiting = json.dumps(list(sol.credentials_table.scan()), default=repr)
    browser.get(callback("google", query))
    connected(sol, browser, "otra@sol.example")
    kept = json.dumps(list(sol.credentials_table.scan()), default=repr)
    printed = "".join(capsys.readouterr())
    sent = dict(parse_qsl(query))
    secret = [start.partition("link=")[2], sent["state"], sent["code"], *browser.jar.values()]
    secret += ["ya29.access", "1//refresh", "g-secret"]
    for text in secret:
        assert text not in waiting
        assert text not in kept
        assert text not in printed
    assert "ana@sol.example" not in printed


def test_a_companys_key_connects_its_own_company_and_no_other(sol: Api) -> None:
    """The person's browser needs no key; who makes the link does."""
    sol.company("luna")
    key = sol.key("sol")
    assert sol("POST", f"{GOOGLE}/connect", {"company_id": "sol"}, key=key).status == 200
    assert sol("POST", f"{GOOGLE}/connect", {"company_id": "luna"}, key=key).status == 404


def test_a_repeated_connect_gives_the_same_link(sol: Api) -> None:
    """``Idempotency-Key``."""
    body = {"company_id": "sol"}
    first, second = (
        sol("POST", f"{GOOGLE}/connect", body, key=sol.operator, idempotency_key="k1") for _ in range(2)
    )
    assert first.json == second.json


def test_the_key_of_a_calendly_account_is_checked_before_it_is_stored(sol: Api) -> None:
    """Against the account itself, and its organization where one is named."""
    path, base = "/api/integrations/calendly", {"company_id": "sol"}
    organization = "https://api.calendly.com/organizations/O1"
    good = base | {"api_key": "calendly-key-1", "organization_uri": organization}
    told = sol("POST", f"{path}/connect", good, key=sol.operator)
    assert (told.status, told.json["connected"], told.json["kind"]) == (200, True, "api_key")
    assert status(sol, "calendly")["organization_uri"] == organization
    assert "calendly-key-1" not in told.text
    for wrong, field in [
        ({"api_key": "nonsense"}, "api_key"),
        ({"api_key": "ñ"}, "api_key"),
        (good | {"organization_uri": f"{organization}2"}, "organization_uri"),
        ({"organization_uri": organization}, ""),
    ]:
        refused = sol("POST", f"{path}/connect", base | wrong, key=sol.operator)
        assert (refused.status, refused.fields) == (422, [field]), refused.text
    gone = sol("POST", f"{path}/disconnect", base, key=sol.operator).json
    assert gone["revoked"] is None
    assert "delete it there" in gone["warnings"][0]
    assert stored(sol) == []


def test_a_calendly_that_does_not_answer_is_not_the_callers_mistake(sol: Api) -> None:
    """502 and 503, and nothing stored."""
    body = {"company_id": "sol", "api_key": "calendly-key-1"}
    failures: list[tuple[HttpAnswer | Exception, int]] = [
        (answered(200, {}), 502),
        (answered(503, {}), 503),
        (RequestNotSent("nobody there"), 502),
    ]
    for planted, expected in failures:
        sol.provider.failing["/users/me"] = planted
        answer = sol("POST", "/api/integrations/calendly/connect", body, key=sol.operator)
        assert answer.status == expected, answer.text
    assert stored(sol) == []


def test_a_service_account_is_tried_before_it_is_stored(sol: Api) -> None:
    """And an earlier consent that it replaces is given back."""
    connected(sol, Browser(sol))
    body = {"company_id": "sol", "service_account": a_service_account(), "subject": "citas@sol.example"}
    told = sol("POST", f"{GOOGLE}/connect", body, key=sol.operator)
    assert told.status == 200, told.text
    assert (told.json["kind"], told.json["connected"]) == ("service_account", True)
    assert status(sol)["subject"] == "citas@sol.example"
    assert sol.provider.revoked == ["1//refresh-1"]
    kept = json.dumps(list(sol.credentials_table.scan()), default=repr)
    assert "PRIVATE KEY" not in kept + told.text


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "authorized_user"},
        {"private_key": "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"},
        {"private_key": 7},
        {"client_email": ""},
        {"token_uri": "https://evil.example/token"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_key_that_is_none_is_refused_before_anybody_is_asked(sol: Api, changes: dict[str, Any]) -> None:
    """By its field, and without a word of the key."""
    body = {"company_id": "sol", "service_account": a_service_account(**changes)}
    refused = sol("POST", f"{GOOGLE}/connect", body, key=sol.operator)
    assert (refused.status, refused.fields) == (422, ["service_account"]), refused.text
    assert "MIIB" not in refused.text
    assert (stored(sol), sol.provider.called) == ([], [])


def test_a_service_account_without_delegation_is_told_what_to_do(sol: Api) -> None:
    """In the Workspace's console."""
    sol.provider.failing["/token"] = answered(401, {"error": "unauthorized_client"})
    body = {"company_id": "sol", "service_account": a_service_account(), "subject": "citas@sol.example"}
    refused = sol("POST", f"{GOOGLE}/connect", body, key=sol.operator)
    assert (refused.status, refused.fields) == (422, ["subject"])
    assert "delegation" in refused.text.lower()
    assert stored(sol) == []


def test_the_pages_speak_the_companys_language(dynamodb: DynamoDBClient, kms: KMSClient) -> None:
    """Spanish, Portuguese, English; another language gets English."""
    api = Api(dynamodb, kms)
    for number, (language, words) in enumerate(
        [("pt-BR", "Ligar Google"), ("en-GB", "Connect Google"), ("de", "Connect Google")]
    ):
        api.company(f"c{number}", language=language)
        assert words in Browser(api).get(link(api, company_id=f"c{number}")).text
    stranger = Browser(api).get(f"{GOOGLE}/start?link=x")
    assert '<html lang="en">' in stranger.text
    assert '<html lang="pt">' in api("GET", f"{GOOGLE}/start?link=x", accept_language="pt-PT,pt;q=0.9").text


def test_at_the_local_stage_the_form_may_lead_to_the_simulator(
    dynamodb: DynamoDBClient, kms: KMSClient
) -> None:
    """Browsers apply ``form-action`` to the redirect as well."""
    settings = OAUTH_SETTINGS | {"FRONTDESK_GOOGLE_BASE_URL": "http://127.0.0.1:9004"}
    api = Api(dynamodb, kms, oauth_settings=settings, stage="local")
    api.company("sol")
    page = Browser(api).get(link(api))
    assert "form-action 'self' https: http://127.0.0.1:9004;" in page.headers["content-security-policy"]


def test_an_account_that_cannot_be_read_does_not_end_the_grant_that_works(sol: Api) -> None:
    """It may be the same account, whose grants end together."""
    browser = Browser(sol)
    connected(sol, browser)
    sol.provider.failing["/userinfo"] = answered(503, {})
    assert connected(sol, browser).status >= 400
    assert sol.provider.revoked == []


def test_not_me_is_of_no_use_once_another_account_is_connected(sol: Api) -> None:
    """The button was about another one."""
    browser = Browser(sol)
    page = connected(sol, browser)
    sol("POST", f"{GOOGLE}/disconnect", {"company_id": "sol"}, key=sol.operator)
    connected(sol, browser, "otra@sol.example")
    assert browser.press(page, f"{GOOGLE}/callback", "No soy yo").status == 409
    assert status(sol)["account_email"] == "otra@sol.example"


def test_a_field_that_stands_twice_is_refused(sol: Api) -> None:
    """Nobody knows which of the two counts."""
    browser = Browser(sol)
    query = sol.provider.consent(depart(browser, link(sol)))
    assert browser.get(callback("google", f"{query}&code=another")).status == 400
    assert sol.provider.called == []


MAIL = "https://mail.google.com/"
BY_GMAIL = {
    "from_address": "ana@sol.example",
    "providers": [
        {"id": "g", "vendor": "smtp", "preset": "gmail", "username": "ana@sol.example", "auth": "xoauth2"}
    ],
}


def asked_of(location: str) -> set[str]:
    """The scopes of an authorization request."""
    return set(parse_qs(urlsplit(location).query)["scope"][0].split())


def test_mail_is_asked_for_only_where_the_account_sends_it(api: Api) -> None:
    """The page says so in words; a company with a calendar only is asked for nothing more."""
    browser = Browser(api)
    api.company("sol", email=BY_GMAIL)
    api.company("luna")
    start = link(api)
    assert "leer, escribir y borrar tu correo" in browser.get(start).text
    assert MAIL in asked_of(depart(browser, start))
    other = link(api, company_id="luna")
    assert "borrar tu correo" not in browser.get(other).text
    assert MAIL not in asked_of(depart(browser, other))


@pytest.mark.parametrize("ticked", [True, False])
def test_a_calendar_works_whether_mail_was_granted_or_not(api: Api, *, ticked: bool) -> None:
    """What was granted is what is kept; who sends asks for the scope itself."""
    browser = Browser(api)
    api.company("sol", email=BY_GMAIL)
    location = depart(browser, link(api))
    granted = " ".join(sorted(asked_of(location) - ({MAIL} if not ticked else set())))
    browser.get(callback("google", api.provider.consent(location, "ana@sol.example", scopes=granted)))
    assert status(api)["status"] == "connected"
    [kept] = [item for item in api.credentials_table.scan() if item["sk"] == "connection#google"]
    assert (MAIL in kept["scopes"]) is ticked


def test_each_account_is_asked_for_mail_only_where_it_is_the_one_that_sends(api: Api) -> None:
    """A company that sends through Microsoft shares nothing of its mail with Google."""
    outlook = {**BY_GMAIL["providers"][0], "preset": "outlook"}  # type: ignore[dict-item]
    api.company("sol", email={**BY_GMAIL, "providers": [outlook]})
    browser = Browser(api)
    assert MAIL not in asked_of(depart(browser, link(api)))
    assert SEND in asked_of(depart(browser, link(api, "microsoft")))


def test_xoauth2_of_a_server_that_nobody_can_connect_is_refused(api: Api) -> None:
    """At once and in words, not when the first e-mail is to be sent."""
    own = {**BY_GMAIL["providers"][0], "preset": None, "host": "mail.sol.example"}  # type: ignore[dict-item]
    document = {
        "name": "Sol",
        "zone": "Europe/Madrid",
        "language": "en",
        "email": {**BY_GMAIL, "providers": [own]},
    }
    answer = api("PUT", "/api/companies/sol", document, key=api.operator)
    assert answer.status == 422
    assert "knows xoauth2 with the presets gmail, outlook, outlook_personal only" in answer.text


MICROSOFT = "/api/integrations/microsoft"
SEND = "https://outlook.office.com/SMTP.Send"
READ = "https://outlook.office.com/IMAP.AccessAsUser.All"


def at_microsoft(api: Api, browser: Browser, email: str = "ana@sol.example", **consent: Any) -> Told:  # noqa: ANN401 - arguments of FakeConsents.consent
    """The whole way with Microsoft."""
    location = depart(browser, link(api, "microsoft"))
    return browser.get(callback("microsoft", api.provider.consent(location, email, **consent)))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "enviar correos desde este buzón"),
        ("en", "send e-mail from this mailbox"),
        ("pt", "enviar e-mails desta caixa de correio"),
    ],
)
def test_microsofts_page_says_that_mail_is_sent_and_speaks_of_no_boxes(
    api: Api, language: str, words: str
) -> None:
    """Microsoft's page has none to tick."""
    api.company("sol", language=language)
    start = link(api, "microsoft")
    page = Browser(api).get(start)
    assert "Microsoft Outlook" in page.text
    assert words in page.text
    for boxes in ("Marca todas", "Tick every", "Marque todas"):
        assert boxes not in page.text
    asked = dict(parse_qsl(urlsplit(depart(Browser(api), start)).query))
    assert asked["scope"].split() == [SEND, "offline_access", "openid", "email", "profile"]
    assert (asked["prompt"], asked["response_mode"]) == ("select_account", "query")


def test_microsofts_account_is_told_by_its_own_answer(sol: Api) -> None:
    """Its access token is for the mail server, which tells nobody whose it is."""
    assert at_microsoft(sol, Browser(sol)).status == 200
    assert sol.provider.called == ["POST /common/oauth2/v2.0/token"]
    assert (status(sol, "microsoft")["scopes"], status(sol, "microsoft")["missing_scopes"]) == ([SEND], [])


@pytest.mark.parametrize(
    "claims", [{"aud": "another-program"}, {"iss": "https://evil.example/v2.0"}, {"exp": 1}, {"sub": ""}]
)
def test_an_account_that_is_told_wrongly_is_not_connected(sol: Api, claims: dict[str, object]) -> None:
    """The operator's alarm counts it, and the person reads who can mend it."""
    sol.provider.id_token = claims
    page = at_microsoft(sol, Browser(sol))
    assert page.status == 500
    assert "no está bien registrado" in page.text
    assert stored(sol) == []


def test_an_issuer_of_microsofts_counts_where_it_is_sent(sol: Api) -> None:
    """It sends none today; each tenant would be one of its own."""
    browser = Browser(sol)
    tenant = "https://login.microsoftonline.com/6b7a1f0e-5d43-4c1c-9f0a-2f6d1f0c7a11/v2.0"
    assert at_microsoft(sol, browser, iss="https://accounts.google.com").status == 400
    assert stored(sol) == []
    assert at_microsoft(sol, browser, iss=tenant, session_state="0").status == 200


def test_who_leaves_microsoft_is_told_where_to_end_access(sol: Api) -> None:
    """It has no call for that: the tokens are deleted here, and nothing is claimed of there."""
    at_microsoft(sol, Browser(sol))
    calls = list(sol.provider.called)
    gone = sol("POST", f"{MICROSOFT}/disconnect", {"company_id": "sol"}, key=sol.operator).json
    assert gone["revoked"] is False
    assert "lets only people end access: ana@sol.example can remove it at myapps" in gone["warnings"][0]
    assert (stored(sol), sol.provider.called) == ([], calls)


def test_another_mailbox_is_asked_about_before_it_counts(sol: Api) -> None:
    """As with every provider; the page says that the earlier access is to be ended by hand."""
    browser = Browser(sol)
    at_microsoft(sol, browser)
    page = at_microsoft(sol, browser, "otra@sol.example")
    assert status(sol, "microsoft")["account_email"] == "ana@sol.example"
    done = browser.press(page, f"{MICROSOFT}/callback", "Cambiar")
    assert status(sol, "microsoft")["account_email"] == "otra@sol.example"
    assert "fin del acceso de ana@sol.example: quítalo también con esa cuenta en myapps" in done.text


@pytest.mark.parametrize(
    ("language", "button", "words"),
    [
        ("es", "Dejar", "el fin del acceso de otra@sol.example: quítalo también con esa cuenta en myapps"),
        (
            "en",
            "Keep",
            "the access of otra@sol.example has ended: remove it as well, with that account, at myapps",
        ),
        ("pt", "Manter", "o fim do acesso de otra@sol.example: remova-o também com essa conta em myapps"),
    ],
)
def test_who_keeps_the_earlier_mailbox_reads_where_to_end_the_others_access(
    api: Api, language: str, button: str, words: str
) -> None:
    """Microsoft has no call for that, so the grant that nobody uses stays there."""
    api.company("sol", language=language)
    browser = Browser(api)
    at_microsoft(api, browser)
    kept = browser.press(at_microsoft(api, browser, "otra@sol.example"), f"{MICROSOFT}/callback", button)
    assert status(api, "microsoft")["account_email"] == "ana@sol.example"
    assert words in kept.text
    other = {"es": "(trabajo o centro", "en": "(work or school)", "pt": "(trabalho ou escola)"}
    assert other[language] in kept.text


def test_a_page_that_the_operator_trusts_does_not_come_before_what_is_left_to_do(
    dynamodb: DynamoDBClient, kms: KMSClient
) -> None:
    """It would not be told; ours leads on to it."""
    api = Api(dynamodb, kms, allowed_origins=(APP,))
    api.company("sol", return_urls=[APP])
    browser = Browser(api)

    def arrive(email: str) -> Told:
        location = depart(browser, link(api, "microsoft", return_to=APP))
        return browser.get(callback("microsoft", api.provider.consent(location, email)))

    assert arrive("ana@sol.example").status == 302
    kept = browser.press(arrive("otra@sol.example"), f"{MICROSOFT}/callback", "Dejar")
    assert (kept.status, "myapps.microsoft.com" in kept.text, f"{APP}/dashboard" in kept.text) == (
        200,
        True,
        True,
    )


def test_a_grant_of_microsofts_that_comes_to_nothing_is_said_to_stay(sol: Api) -> None:
    """Where nothing is told of the account, where a permission is missing, where none is lasting."""
    sol.provider.id_token = {"sub": ""}
    page = at_microsoft(sol, Browser(sol))
    assert "el fin del acceso de la cuenta con la que has entrado: quítalo también" in page.text
    sol.provider.id_token = {}
    at_microsoft(sol, Browser(sol))
    page = at_microsoft(sol, Browser(sol), "otra@sol.example", scopes=READ)
    assert "el fin del acceso de otra@sol.example: quítalo también" in page.text
    page = at_microsoft(sol, Browser(sol), "otra@sol.example", refresh=False)
    assert "no ha dado un permiso duradero" in page.text
    assert "el fin del acceso de otra@sol.example: quítalo también" in page.text
    assert status(sol, "microsoft")["account_email"] == "ana@sol.example"


def test_a_missing_permission_of_microsofts_is_told_without_boxes(sol: Api) -> None:
    """Its page has none: all or nothing."""
    page = at_microsoft(sol, Browser(sol), scopes=READ)
    assert page.status == 403
    assert "acepta todo lo que pida Microsoft Outlook" in page.text
    assert "casillas" not in page.text


def test_an_organization_that_does_not_allow_it_is_told_as_that(sol: Api) -> None:
    """Only its administrator may consent there."""
    browser = Browser(sol)
    state = parse_qs(urlsplit(depart(browser, link(sol, "microsoft"))).query)["state"][0]
    page = browser.get(callback("microsoft", urlencode({"error": "consent_required", "state": state})))
    assert "administrador" in page.text
    assert stored(sol) == []


def test_microsoft_stands_in_health(sol: Api) -> None:
    """Once it is connected."""
    at_microsoft(sol, Browser(sol))
    told = sol("GET", "/api/integrations/health?company_id=sol", key=sol.operator).json
    assert told["integrations"]["microsoft"]["status"] == "ok"
