"""Looks for secrets where none may be: tables, queues, logs, templates, functions' settings, our answers."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Response

MOST_MESSAGES = 10
# As many as an emptied queue answers with nothing before it counts as seen through.
_EMPTY_ANSWERS = 2
# Shorter texts are in everything.
SHORTEST = 12


@dataclass
class Answers:
    """What our API answered in this run: heads and bodies, to programs and to browsers.

    Args:
        base_url: our API.
    """

    base_url: str
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[Answers]:
        """Hear everything that goes through the library that tests make calls with."""
        send = requests.Session.send

        def heard(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> Any:  # noqa: ANN401 - as it is
            answer = send(session, request, **how)
            if answer.url.startswith(self.base_url) and not how.get("stream"):
                self._keep(f"{request.method} {answer.url.split('?')[0]}", answer.headers, answer.content)
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(requests.Session, "send", heard)
            yield self

    def seen_by_browser(self, answer: Response) -> None:
        """Hear what a browser got."""
        if not answer.url.startswith(self.base_url):
            return
        moved = answer.status in range(300, 400)
        body = b"" if moved else answer.text().encode()
        # Where it was sent by us, not where it came from: the address itself is the provider's doing.
        self._keep(f"{answer.request.method} {answer.url.split('?')[0]}", answer.headers, body)

    def _keep(self, what: str, headers: Mapping[str, str], body: bytes) -> None:
        head = "\n".join(f"{name}: {value}" for name, value in headers.items())
        self.heard.append((f"answer to {what}", head.encode() + b"\n\n" + body))


@dataclass(frozen=True)
class Leak:
    """A secret where none may be."""

    kind: str
    place: str


class Search:
    """Looks for every secret in everything.

    Args:
        secrets: kinds of secrets, and their texts.
    """

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        self._forms = {
            form: kind
            for kind, texts in secrets.items()
            for text in texts
            if len(text) >= SHORTEST
            for form in forms_of(text)
        }

    def among(self, places: Iterable[tuple[str, bytes]]) -> list[Leak]:
        """The secrets that these places hold; what is found is named by its kind, and not repeated."""
        return [
            Leak(kind, place)
            for place, content in places
            for form, kind in self._forms.items()
            if form in content
        ]


def forms_of(text: str) -> set[bytes]:
    """A secret as it is, in addresses, in JSON, and in base64 wherever it begins within three bytes."""
    plain = text.encode()
    forms = {plain, quote(text, safe="").encode(), json.dumps(text)[1:-1].encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        # The first and last characters hold bits of the neighbours.
        whole = encoded[0 if shift == 0 else 4 : -4]
        forms.add(whole)
        forms.add(whole.replace(b"+", b"-").replace(b"/", b"_"))
    return forms


def places(aws: Callable[[str], Any], log_folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that the deployment keeps or tells, place by place.

    Args:
        aws: makes clients of the account.
        log_folder: the servers' own logs.
    """
    yield from _items(aws("dynamodb"))
    yield from _messages(aws("sqs"))
    yield from _logged(aws("logs"))
    yield from _settings(aws("lambda"))
    for log in sorted(log_folder.glob("*.log")):
        yield f"log {log.name}", log.read_bytes()


def _items(dynamodb: Any) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401 - a client
    for page in dynamodb.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            for found in dynamodb.get_paginator("scan").paginate(TableName=table):
                for item in found["Items"]:
                    key = item.get("sk", {}).get("S", "").partition("#")[0]
                    yield f"table {table}, {key}", _bytes(item)


def _messages(sqs: Any) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401 - a client
    for url in sqs.list_queues().get("QueueUrls", []):
        empty = 0
        while empty < _EMPTY_ANSWERS:
            # Hidden for long enough that each is seen once, then there again for whoever wants it.
            got = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MOST_MESSAGES,
                VisibilityTimeout=5,
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            empty += not got
            for message in got:
                yield f"queue {url.rpartition('/')[2]}", json.dumps(message, default=str).encode()


def _logged(logs: Any) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401 - a client
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for found in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                for event in found["events"]:
                    yield f"log group {name}", event["message"].encode()


def _settings(functions: Any) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401 - a client
    for page in functions.get_paginator("list_functions").paginate():
        for found in page["Functions"]:
            yield f"settings of {found['FunctionName']}", json.dumps(found, default=str).encode()


def _bytes(value: Any) -> bytes:  # noqa: ANN401 - any attribute
    """All texts and bytes of an item, one after another."""
    if isinstance(value, dict):
        return b"\n".join(str(name).encode() + b"\n" + _bytes(one) for name, one in value.items())
    if isinstance(value, list | tuple | set):
        return b"\n".join(map(_bytes, value))
    return value if isinstance(value, bytes) else str(value).encode()
