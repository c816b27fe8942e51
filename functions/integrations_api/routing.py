"""What every route goes through: who calls, may they, what do they ask, has it been asked before.

A route says in data whose company it touches and which scope it needs. The checks stand here, in the flow,
so that no route can forget one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from shared.companies.names import OPERATOR
from shared.platform.errors import FieldError, InvalidInput, NotFound
from shared.platform.observability import bound, log
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.shared.cookies import Cookie

    from functions.integrations_api.services import Services
    from shared.companies.api_keys import Caller
    from shared.companies.base import Part

DEFAULT_PAGE = 50
LARGEST_PAGE = 200


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names are in small letters, body and ``raw_query`` as they were sent."""

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    base_url: str
    raw_query: str = field(default="", repr=False)
    cookies: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a route answers: any JSON value, ``None`` for no body, or a text with its own content type."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True)
class Call:
    """A request that passed the checks.

    Args:
        services: what routes work with.
        caller: who calls; ``None`` on open routes.
        owner: the company, or ``operator``, that the route touches; empty where it touches none.
        request: the request itself.
        given: the validated body, where the route takes one.
    """

    services: Services
    caller: Caller
    owner: str
    request: Request
    given: Any = None

    def audit(self, action: str, **detail: object) -> None:
        """Write an administrative act down."""
        self.services.audit.record(self.owner, self.caller.actor, action, detail)

    def page(self) -> tuple[int, str | None]:
        """The list's ``limit`` and ``cursor``.

        Raises:
            InvalidInput: the limit is no number from 1 to 200.
        """
        text = self.request.query.get("limit", str(DEFAULT_PAGE))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST_PAGE):
            problem = f"must be a number from 1 to {LARGEST_PAGE}"
            raise InvalidInput(f"limit {problem}", fields=(FieldError("limit", problem),))
        return int(text), self.request.query.get("cursor") or None


@dataclass(frozen=True)
class Route:
    """One route.

    Args:
        method: the HTTP method.
        path: with names in braces.
        run: what it does.
        summary: one line for the reader of the API's description.
        owner: where the company's id stands: in the path, the query or the body; ``list`` for a route that
            shows each caller its own; ``open`` for one that anybody may call.
        scope: what the key must be allowed.
        body: what the request's body must be.
        answers: the status of success, and a word on what comes back.
        repeatable: whether ``Idempotency-Key`` is honoured.
        keyed: whether the route itself makes sense of ``Idempotency-Key``.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    run: Callable[[Call], Answer]
    summary: str
    owner: Literal["path", "query", "body", "list", "open"] = "path"
    scope: str = "read"
    body: type[Part] | None = None
    answers: tuple[int, str] = (200, "done")
    repeatable: bool = False
    keyed: bool = False

    @property
    def key(self) -> str:
        """Method and path, as documents and logs name the route."""
        return f"{self.method} {self.path}"


def answer_request(route: Route, request: Request, services: Services) -> Answer:
    """Check a request and run its route.

    Raises:
        Untrusted: no valid API key.
        InvalidInput: the caller may not, or asks for something wrong.
    """
    if route.owner == "open":
        return route.run(Call(services, services.nobody, "", request))
    caller = services.api_keys.authenticate(request.headers.get("authorization"))
    caller.require(route.scope)
    data = _json(request, services.body_limit_bytes) if route.body else None
    owner = _owner(route, request, caller, data)
    given = route.body.parse(data) if route.body else None
    call = Call(services, caller, owner, request, given)
    key = request.headers.get("idempotency-key", "")
    with bound(company_id=owner, actor=caller.actor):
        answer = _once(route, call, key) if route.repeatable and key else route.run(call)
        log.info("answered", status=answer.status)
    return answer


def _owner(route: Route, request: Request, caller: Caller, data: object) -> str:
    """Whose company the request touches; refuses those that the caller may not act for."""
    if route.owner == "list":
        return caller.owner
    if route.owner == "path":
        claimed: object = request.path["company_id"]
    elif route.owner == "query":
        claimed = request.query.get("company_id") or (None if caller.is_operator else caller.owner)
    else:
        claimed = data.get("company_id") if isinstance(data, dict) else None
        if claimed is None and not caller.is_operator:
            claimed = caller.owner  # a company's key may leave it out, where the body lets it
    if not isinstance(claimed, str):
        problem = "must be a company's id"
        raise InvalidInput(f"company_id {problem}", fields=(FieldError("company_id", problem),), status=422)
    caller.require_company(claimed)
    return claimed


def _json(request: Request, limit_bytes: int) -> object:
    if len(request.body) > limit_bytes:
        raise InvalidInput(f"the body is larger than {limit_bytes} bytes", reason="too_large", status=413)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput("the body must be sent as application/json", reason="content_type", status=415)
    try:
        return json.loads(request.body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidInput("the body is not JSON", reason="not_json") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _once(route: Route, call: Call, key: str) -> Answer:
    bearer = Secret(call.request.headers.get("authorization", "").partition(" ")[2].strip())
    repeat = call.services.repeat(call.caller.owner, bearer, key)
    earlier = repeat.begin(f"{route.key}\n{sorted(call.request.path.items())}\n".encode() + call.request.body)
    if earlier is not None:
        return _told_again(earlier)
    try:
        answer = route.run(call)
    except BaseException:
        # What failed may be tried again: acts of ours either happen whole or finish when repeated.
        repeat.abandon()
        raise
    told = {
        "body": answer.body,
        "status": answer.status,
        "headers": dict(answer.headers),
        "content_type": answer.content_type,
    }
    repeat.finish(json.dumps(told).encode())
    return answer


def _told_again(kept: bytes) -> Answer:
    told = json.loads(kept)
    headers = {**told["headers"], "Idempotent-Replayed": "true"}
    return Answer(told["body"], told["status"], headers, told.get("content_type", Answer.content_type))


def require_company_id(owner: str) -> str:
    """The owner, which must be a company here: the operator has keys and a trail, but no document.

    Raises:
        NotFound: it is the operator.
    """
    if owner == OPERATOR:
        raise NotFound("there is no such company", status=HTTPStatus.NOT_FOUND)
    return owner
