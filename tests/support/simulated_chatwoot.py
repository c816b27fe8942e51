"""The Chatwoot simulator in this process, behind our own client: no sockets, so that runs are cheap."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from local.chatwoot_simulator.app import create_app
from local.chatwoot_simulator.rules import Chatwoot
from shared.chatwoot.client import ChatwootClient
from shared.platform.addresses import AddressGuard
from shared.platform.http import MAX_ANSWER_BYTES, HttpAnswer, HttpClient
from shared.platform.secret import Secret
from tests.fakes.chatwoot import Posted
from tests.support import webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from shared.platform.clock import Clock

FIRST_MESSAGE = 70_011


class FlaskHttp(HttpClient):
    """Hands calls to a Flask application.

    Args:
        app: the application.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__(AddressGuard())
        self._client = app.test_client()

    def send(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        json_body: object = None,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> HttpAnswer:
        """See `HttpClient`."""
        assert content is None
        assert timeout_seconds > 0
        assert max_bytes > 0
        answer = self._client.open(
            url, method=method, headers=dict(headers or {}), json=json_body, query_string=dict(query or {})
        )
        return HttpAnswer(answer.status_code, {k.lower(): v for k, v in answer.headers}, answer.data)


class SimulatedChatwoot:
    """An installation whose third account has the conversation that tests write in.

    Args:
        clock: of the client.
    """

    def __init__(self, clock: Clock) -> None:
        app = _app()
        self._installation = app.extensions["chatwoot"] = Chatwoot(retry_wait_seconds=0)
        records = self._installation.records
        account: dict[str, Any] = {}
        while account.get("id") != webhooks.ACCOUNT:
            account = records.add_account("Clínica Sol")
        records.numbers[f"conversations of account {account['id']}"] = count(webhooks.CONVERSATION)
        records.numbers["messages"] = count(FIRST_MESSAGE)
        self._installation.customer_writes(account["inboxes"][0], {"text": "hola", "contact": "Ana Pérez"})
        self._account = account
        self._conversation = records.one("conversations", id=webhooks.CONVERSATION)
        self._agent = next(one for one in account["users"] if one["role"] == "agent")
        self.user_id: int = self._agent["id"]
        token = Secret(self._agent["token"])
        self.client = ChatwootClient(
            FlaskHttp(app), "https://a.example", account["id"], user_token=token, clock=clock
        )

    def close(self) -> None:
        """End its threads."""
        self._installation.close()

    def customer_writes(self, text: str) -> int:
        """The customer goes on; the message's id."""
        inbox = next(iter(self._account["inboxes"]))
        written = self._installation.customer_writes(inbox, {"text": text, "contact": "Ana Pérez"})
        return int(written["id"])

    def repeat(self) -> None:
        """What our side posted first stands there once more."""
        first = self.posted[0]
        self._installation.reply(
            self._conversation, self._agent, first.text, content_attributes=first.attributes
        )

    @property
    def posted(self) -> list[Posted]:
        """Every message that our side posted, in order."""
        return [
            Posted(
                one["id"],
                webhooks.CONVERSATION,
                one["content"],
                private=one["private"],
                attributes=one["content_attributes"],
            )
            for one in self._conversation["said"]
            if one["message_type"] == "outgoing"
        ]

    @property
    def statuses(self) -> dict[int, str]:
        """Which status was set, by conversation."""
        status = self._conversation["status"]
        return {} if status == "open" else {webhooks.CONVERSATION: status}

    def said(self, conversation_id: int) -> list[str]:
        """The public messages of a conversation, in order."""
        return [one.text for one in self.posted if one.conversation_id == conversation_id and not one.private]

    def notes(self, conversation_id: int) -> list[str]:
        """The private notes of a conversation, in order."""
        return [one.text for one in self.posted if one.conversation_id == conversation_id and one.private]


@cache
def _app() -> Flask:
    return create_app()
