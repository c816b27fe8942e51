"""Accounts at OAuth providers: connect, the pages of consent, status, disconnect.

The pages are open, because the person who consents has no API key: what protects them is the link or state in
their hands, the browser's cookie, and that a form must come from a page of ours.
"""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from functions.integrations_api import connect_pages as pages
from functions.integrations_api.connect_texts import language_of
from functions.integrations_api.cookies import browser_of, cookie
from functions.integrations_api.routes_chatwoot import CompanyRequest
from functions.integrations_api.routing import Answer, Route
from shared.companies.connection import origin_of
from shared.credentials.providers.registry import PROVIDERS
from shared.credentials.states import StateUnusable
from shared.integrations.oauth_values import (
    CalendlyConnectRequest,
    GoogleConnectRequest,
    OAuthConnectRequest,
    Return,
)
from shared.platform.errors import FrontdeskError, InvalidInput, NotFound, RetryLater
from shared.platform.observability import count, log
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.integrations_api.routing import Call
    from shared.integrations.oauth_values import Arrival

    Act = Callable[[Call, str], Answer]

PATH = "/api/integrations/{provider}"
LONGEST_FORM = 4_000
MOST_FIELDS = 30
_REQUESTS: dict[str, type[OAuthConnectRequest]] = {
    "google": GoogleConnectRequest,
    "calendly": CalendlyConnectRequest,
}


def connect(call: Call, provider: str) -> Answer:
    """Give out a link to consent with, or check and store what needs no consent."""
    given: OAuthConnectRequest = call.given
    accounts = call.services.oauth_accounts
    if isinstance(given, GoogleConnectRequest) and given.service_account is not None:
        told = accounts.connect_service_account(
            given.company_id, provider, given.service_account, given.subject
        )
    elif isinstance(given, CalendlyConnectRequest) and given.api_key is not None:
        key = Secret(given.api_key)
        told = accounts.connect_api_key(given.company_id, provider, key, given.organization_uri)
    else:
        link = call.services.oauth_flow.begin(call.owner, provider, given.return_to, call.caller.actor)
        call.audit(f"{provider}.link")
        base = f"{call.request.base_url}{PATH.format(provider=provider)}"
        return Answer({"status": "success", "auth_url": f"{base}/start?link={link.reveal()}"})
    call.audit(f"{provider}.connect", kind=told["kind"], account=told["account_email"])
    return Answer({**told, "status": "success"})


def status(call: Call, provider: str) -> Answer:
    """Whether and how the company is connected."""
    return Answer(call.services.oauth_accounts.status(call.owner, provider))


def disconnect(call: Call, provider: str) -> Answer:
    """End the grant at the provider, forget the tokens."""
    told = call.services.oauth_accounts.disconnect(call.owner, provider)
    call.audit(f"{provider}.disconnect", revoked=told["revoked"])
    return Answer(told)


def show_invitation(call: Call, provider: str) -> Answer:
    """The page that a link leads to. Changes nothing, sets nothing."""
    link = _fields(call.request.raw_query).get("link", "")
    invited = call.services.oauth_flow.look(provider, link)
    return pages.invitation(invited, link, language_of(invited.language))


def depart(call: Call, provider: str) -> Answer:
    """The page's button: the link is used up, the browser gets its cookie and goes to the provider."""
    _require_own_page(call)
    link = _form(call).get("link", "")
    callback = f"{call.request.base_url}{PATH.format(provider=provider)}/callback"
    stage, flow = call.services.stage, call.services.oauth_flow
    leaving = flow.depart(provider, link, callback, browser_of(call.request.cookies, stage))
    answer = pages.away(leaving.url)
    return Answer(None, answer.status, answer.headers, cookies=(cookie(leaving.browser, stage),))


def callback(call: Call, provider: str) -> Answer:
    """Where the provider sends the browser back to."""
    sent = _fields(call.request.raw_query)
    returned = Return(sent.get("state", ""), sent.get("code", ""), sent.get("error", ""), sent.get("iss", ""))
    browser = browser_of(call.request.cookies, call.services.stage)
    return _ended(call, call.services.oauth_flow.finish(provider, returned, browser))


def decide(call: Call, provider: str) -> Answer:
    """The buttons of the last page: switch, keep, disconnect."""
    _require_own_page(call)
    sent = _form(call)
    browser = browser_of(call.request.cookies, call.services.stage)
    flow = call.services.oauth_flow
    return _ended(call, flow.decide(provider, sent.get("choice", ""), sent.get("word", ""), browser))


def _ended(call: Call, end: Arrival) -> Answer:
    """To the company's page at once where the operator trusts it too, else by a page of ours.

    A company writes its own return addresses; that a person sees which account goes to whom, and can undo it,
    is not for a company to switch off. Pages of an origin that may call the API show it themselves. They are
    not told what is left to do by hand, so that is read on ours first.
    """
    trusted = bool(end.return_to) and origin_of(end.return_to) in call.services.allowed_origins
    if trusted and not end.warnings and end.outcome not in {"another_account", "disconnected"}:
        return pages.back(end)
    return pages.arrival(end, language_of(end.language))


def _require_own_page(call: Call) -> None:
    """A form on somebody else's page must not press our button (cross-site request forgery).

    Browsers say where a request comes from: Fetch Metadata, or before it ``Origin``.

    Raises:
        InvalidInput: it does not come from a page of ours, or does not say so.
    """
    site = call.request.headers.get("sec-fetch-site")
    origin = call.request.headers.get("origin", "")
    own = site == "same-origin" if site is not None else _is_ours(origin, call.request.base_url)
    if not own:
        raise InvalidInput("the form does not come from our page", reason="foreign_form", status=403)


def _is_ours(origin: str, base_url: str) -> bool:
    try:
        return bool(urlsplit(origin).hostname) and origin_of(origin) == origin_of(base_url)
    except ValueError:
        return False


def _form(call: Call) -> dict[str, str]:
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded" or len(call.request.body) > LONGEST_FORM:
        raise InvalidInput("this is not our form", reason="odd_query")
    return _fields(call.request.body.decode("utf-8", "replace"))


def _fields(query: str) -> dict[str, str]:
    """The fields of a query or form; two of one name are refused, because it is not known which one counts.

    Raises:
        InvalidInput: it is none of ours.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidInput("the query cannot be read", reason="odd_query") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidInput("a field of the query stands twice", reason="odd_query")
    return found


def _as_page(act: Act) -> Act:
    """What a page refuses is told on a page."""

    @wraps(act)
    def run(call: Call, provider: str) -> Answer:
        try:
            return act(call, provider)
        except FrontdeskError as error:
            reason = "broken" if isinstance(error, RetryLater) else error.reason
            answer = pages.failure(reason, _language_for(call, error), PROVIDERS[provider].title)
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                log.exception("a page failed", reason=error.reason, provider=provider)
                count("ApiFailures", reason=error.reason)
            else:
                log.info("consent refused", reason=error.reason, provider=provider)
            return answer

    return run


def _language_for(call: Call, error: FrontdeskError) -> str:
    wished = [call.request.headers.get("accept-language", "")]
    if isinstance(error, StateUnusable) and error.company_id:
        with suppress(NotFound):  # the company is gone: the browser's language it is
            wished.insert(0, call.services.companies.get(error.company_id).language)
    return language_of(*wished)


def _route(provider: str, method: str, tail: str, act: Act, summary: str, **more: object) -> Route:
    @wraps(act)
    def run(call: Call) -> Answer:
        return act(call, provider)

    run.__name__ = f"{provider}_{act.__name__}"
    path = f"{PATH.format(provider=provider)}/{tail}"
    title = PROVIDERS[provider].title
    return Route(method, path, run, summary.format(title=title), **more)  # type: ignore[arg-type]


def _routes_of(provider: str) -> tuple[Route, ...]:
    page = {"owner": "open"}
    return (
        _route(
            provider, "POST", "connect", connect, "Connect a company with {title}", owner="body",
            scope="admin", body=_REQUESTS.get(provider, OAuthConnectRequest), repeatable=True,
            answers=(200, "auth_url, a link for the person who consents; or the connection's status"),
        ),
        _route(
            provider, "GET", "start", _as_page(show_invitation), "Show who asks for a {title} account",
            answers=(200, "an HTML page"), **page,
        ),
        _route(
            provider, "POST", "start", _as_page(depart), "Go to {title} to consent",
            answers=(HTTPStatus.SEE_OTHER.value, "to the provider"), **page,
        ),
        _route(
            provider, "GET", "callback", _as_page(callback), "Come back from {title}",
            answers=(HTTPStatus.FOUND.value, "to the company's own page, or 200 with an HTML page"), **page,
        ),
        _route(
            provider, "POST", "decide", _as_page(decide), "Say which {title} account it shall be",
            answers=(200, "an HTML page, or 302 as the callback"), **page,
        ),
        _route(
            provider, "GET", "status", status, "Is the company connected with {title}?", owner="query",
            answers=(200, "whether and how"),
        ),
        _route(
            provider, "POST", "disconnect", disconnect, "Disconnect a company from {title}", owner="body",
            scope="admin", body=CompanyRequest, repeatable=True,
            answers=(200, "disconnected, and what is left to do by hand"),
        ),
    )  # fmt: skip


ROUTES = tuple(route for provider in PROVIDERS for route in _routes_of(provider))
