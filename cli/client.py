"""Calls to Frontdesk's HTTP API."""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import click
import requests

from cli.failures import NotThere, Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Collection

TIMEOUT_SECONDS = 35.0  # above the 30 seconds of API Gateway
UPLOAD_SECONDS = 120.0  # between two pieces of a file of 25 MB on a slow line


class ApiClient:
    """Calls the API with one key.

    Args:
        base_url: where the API stands.
        api_key: the key; it goes over https only, or to this very machine.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        _require_private_way(self._base_url)
        if not api_key.isascii() or not api_key.isprintable() or not api_key:
            raise click.UsageError("The API key holds characters that no key has.")
        self._api_key = api_key

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        also: Collection[int] = (),
    ) -> Any:  # noqa: ANN401 - any JSON
        """Make a call and return its answer's JSON, ``None`` where there is none.

        Args:
            method: GET, POST …
            path: below the API's address.
            body: sent as JSON.
            headers: further headers.
            also: statuses that are answers here, where the answer is no problem of the API's own.

        Raises:
            Refused: the API said no; the message is its own.
            Unreachable: nobody answered.
        """
        with requests.Session() as session:
            # No .netrc: it would replace our header. Proxies stay, they may be the only way out.
            session.auth = _leave_headers
            try:
                answer = session.request(
                    method,
                    self._base_url + path,
                    json=body,
                    headers={"Authorization": f"Bearer {self._api_key}", **(headers or {})},
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                raise Unreachable(f"{self._base_url} does not answer ({type(error).__name__}).") from None
        told = answer.status_code in also and not _is_problem(answer)
        if not told and (not answer.ok or answer.is_redirect):
            raise (NotThere if answer.status_code == HTTPStatus.NOT_FOUND else Refused)(_words(answer))
        return answer.json() if answer.content else None

    def upload(self, url: str, headers: dict[str, str], content: bytes) -> None:
        """Put a file where the API said; the key does not go there.

        Raises:
            Refused: it was not taken.
            Unreachable: nobody answered.
        """
        _require_private_way(url)
        try:
            answer = requests.put(
                url,
                content,
                headers=headers,
                timeout=UPLOAD_SECONDS,
                auth=_leave_headers,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unreachable(f"The file's store does not answer ({type(error).__name__}).") from None
        if answer.status_code != HTTPStatus.OK:
            raise Refused(f"The file was not taken: its store answered {answer.status_code}.")


def path_of(*parts: str) -> str:
    """A path below ``/api`` with its parts escaped."""
    return "/api/" + "/".join(quote(part, safe="") for part in parts)


def _leave_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _require_private_way(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and _is_this_machine(host):
        return
    raise click.UsageError(
        f"The API's address {url!r} must begin with https:// (http only to this very machine)."
    )


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_problem(answer: requests.Response) -> bool:
    return not answer.headers.get("Content-Type", "").startswith("application/json")


def _words(answer: requests.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "title" not in problem:
        return f"The answer was {answer.status_code}, and it is not Frontdesk's. Is the address right?"
    words = [str(problem.get("detail") or problem["title"])]
    words += [f"  {field['field'] or '(all)'}: {field['problem']}" for field in problem.get("fields", [])]
    return "\n".join(words)
