"""API Gateway's events in, its answers out; Powertools finds the route."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, CORSConfig, Response

from functions.integrations_api.cookies import cookies_of
from functions.integrations_api.routing import Answer, Request, answer_request
from shared.platform.errors import FrontdeskError, InvalidInput, NotFound
from shared.platform.observability import bound, count, log
from shared.platform.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from functions.integrations_api.routing import Route
    from functions.integrations_api.services import Services

_NAME = re.compile(r"{(\w+)}")
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_SERVER_ERROR = 500


def make_app(services: Services, routes: Sequence[Route]) -> APIGatewayHttpResolver:
    """The API as Powertools runs it."""
    app = APIGatewayHttpResolver(cors=_cors(services.allowed_origins))
    for route in routes:
        app.route(_NAME.sub(r"<\1>", route.path), route.method)(_runner(app, route, services))
    app.not_found(lambda _error: _no_route(app, routes))
    return app


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    if not origins:
        return None
    first, *others = origins
    return CORSConfig(
        allow_origin=first,
        extra_origins=others,
        allow_headers=["Idempotency-Key", "If-Match", "If-None-Match"],
        expose_headers=["ETag", "Retry-After"],
        max_age=3600,
    )


def _runner(app: APIGatewayHttpResolver, route: Route, services: Services) -> Callable[..., Response[str]]:
    def run(**path: str) -> Response[str]:
        with bound(route=route.key):
            try:
                return _response(answer_request(route, _request(app, route, path, services), services))
            except Exception as error:  # noqa: BLE001 - the caller gets a problem, never a stack trace
                return _problem(error)

    run.__name__ = route.run.__name__
    return run


def _request(app: APIGatewayHttpResolver, route: Route, path: dict[str, str], services: Services) -> Request:
    event = app.current_event
    return Request(
        method=route.method,
        path=path,
        query={name: value for name, value in (event.query_string_parameters or {}).items() if value},
        headers={name.lower(): value for name, value in event.headers.items()},
        body=_body(event.raw_event),
        base_url=services.public_url or f"https://{event.request_context.domain_name}",
        raw_query=str(event.raw_event.get("rawQueryString") or ""),
        cookies=cookies_of(event.raw_event),
    )


def _body(event: dict[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise InvalidInput("the body is not base64", reason="not_base64") from None


def _response(answer: Answer) -> Response[str]:
    headers = {**_HEADERS, **answer.headers}
    if answer.body is None:
        return Response(answer.status, headers=headers, body="", cookies=list(answer.cookies))
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, ensure_ascii=False)
    return Response(
        answer.status,
        content_type=answer.content_type,
        headers=headers,
        body=text,
        cookies=list(answer.cookies),
    )


def _problem(error: Exception, headers: dict[str, str] | None = None) -> Response[str]:
    problem = problem_of(error)
    reason = error.reason if isinstance(error, FrontdeskError) else type(error).__name__
    if problem.status >= _SERVER_ERROR:
        log.exception("a request failed", status=problem.status, reason=reason)
        count("ApiFailures", reason=reason)
    else:
        log.info("refused", status=problem.status, reason=reason)
    told = dict(problem.headers())
    return Response(
        problem.status,
        content_type=told.pop("Content-Type"),
        headers={**_HEADERS, **told, **(headers or {})},
        body=problem.body(),
    )


def _no_route(app: APIGatewayHttpResolver, routes: Sequence[Route]) -> Response[str]:
    """404, or 405 where the path exists with other methods (RFC 9110 section 15.5.6)."""
    path = app.current_event.path
    allowed = sorted({route.method for route in routes if _fits(route, path)})
    if not allowed:
        return _problem(NotFound("there is no such route", reason="no_route"))
    refused = InvalidInput("this path has no such method", reason="method_not_allowed", status=405)
    return _problem(refused, {"Allow": ", ".join(allowed)})


def _fits(route: Route, path: str) -> bool:
    pattern = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"({\w+})", route.path)
    )
    return re.fullmatch(pattern, path) is not None
