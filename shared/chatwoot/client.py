"""Chatwoot's API, as far as Frontdesk uses it.

What an answer means is decided in `shared.chatwoot.answers`, whose token makes a call in
`shared.chatwoot.calls`. Every call has a total deadline.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Literal, TypeVar

from shared.chatwoot import calls, reading
from shared.chatwoot.account import Account, Request
from shared.chatwoot.answers import post_error, unclear
from shared.chatwoot.errors import MessageRefused
from shared.platform.addresses import AddressRefused
from shared.platform.clock import Deadline, SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.chatwoot.calls import Call
    from shared.chatwoot.results import (
        ApiMessage,
        ConversationState,
        InboxInfo,
        JsonDict,
        PostedMessage,
        Profile,
        WebhookInfo,
    )
    from shared.platform.clock import Clock
    from shared.platform.http import HttpAnswer, HttpClient
    from shared.platform.secret import Secret

Status = Literal["open", "resolved", "pending", "snoozed"]
Shape = TypeVar("Shape")

DEFAULT_TIMEOUT_SECONDS = 20.0
"""Above the 15 seconds after which Chatwoot's own server gives up on a request."""


class ChatwootClient:
    """One company's account on one Chatwoot server; one object per company and thread.

    Besides the errors that each method names, every call can end with `RetryLater` (the server is busy or
    failing), `RequestNotSent` and `AnswerLost` (the network), `ChatwootUnclear` (the answer is none of
    Chatwoot's), `ChatwootDenied`, `ChatwootMissing` and `ChatwootRefused`, and `AddressRefused` (the server's
    name leads to an address that we do not call).

    Args:
        http: makes the calls; not shared with another company or thread.
        base_url: the server, such as ``https://app.chatwoot.com``.
        account_id: the account on it.
        user_token: a user's access token: may do what the user may.
        bot_token: an agent bot's access token.
        timeout_seconds: how long one call may take in total.
        clock: where time comes from.
    """

    def __init__(
        self,
        http: HttpClient,
        base_url: str,
        account_id: int,
        *,
        user_token: Secret | None = None,
        bot_token: Secret | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self._account = Account(
            http,
            base_url,
            account_id,
            user_token=user_token,
            bot_token=bot_token,
            clock=clock or SystemClock(),
        )
        self._timeout_seconds = timeout_seconds

    @property
    def account_id(self) -> int:
        """The account that this client works in."""
        return self._account.account_id

    @property
    def has_user_token(self) -> bool:
        """Whether calls that bots may not make can be made."""
        return self._account.user_token is not None

    @property
    def has_bot_token(self) -> bool:
        """Whether posts are made in a bot's name by the bot itself."""
        return self._account.bot_token is not None

    def bot_alone(self) -> ChatwootClient:
        """The same account with the bot's token only, to see what that one may do."""
        alone = copy(self)
        alone._account = self._account.bot_alone()  # noqa: SLF001 - it is our own kind
        return alone

    def post_message(
        self,
        conversation_id: int,
        content: str,
        *,
        private: bool = False,
        content_attributes: JsonDict | None = None,
        sender_bot_id: int | None = None,
        template_params: JsonDict | None = None,
        timeout_seconds: float | None = None,
    ) -> PostedMessage:
        """Post a message into a conversation.

        Args:
            conversation_id: the display id.
            content: the text, at most 150,000 characters, already made fit for the channel.
            private: a note for the desk, never sent to the customer.
            content_attributes: stored with the message and given back; our marker goes here. A ``source_id``
                is never sent: Chatwoot does not deliver messages that have one.
            template_params: send the channel's own template of this name instead of the text.
            sender_bot_id: post in this bot's name where only a user token is there.
            timeout_seconds: less than the client's own limit, where less is left.

        Raises:
            MessageNotStored: certainly not stored, another try may work. `RequestNotSent` is as certain.
            MessageRefused: certainly not stored, no try helps.
            AnswerLost: perhaps stored: never post again without looking for the marker.
        """
        body: JsonDict = {"content": content, "message_type": "outgoing", "private": private}
        if content_attributes:
            body["content_attributes"] = content_attributes
        if template_params:
            body["template_params"] = template_params
        account = self._account
        token = account.bot_token or account.user_token
        if token is None:
            raise MessageRefused("there is no token to post with", reason="no_token")
        if sender_bot_id is not None and account.bot_token is None:
            body |= {"sender_type": "AgentBot", "sender_id": sender_bot_id}
        request = Request(calls.POST_MESSAGE, {"conversation_id": conversation_id}, body=body)
        try:
            answer = account.send(request, token, self._deadline(timeout_seconds))
        except AddressRefused as error:
            raise MessageRefused("the server's address is not allowed", reason=error.reason) from error
        posted = reading.posted_message(answer.json()) if answer.status == 200 else None  # noqa: PLR2004 - RFC 9110
        if posted is None:
            raise post_error(answer)
        return posted

    def conversation(
        self, conversation_id: int, *, timeout_seconds: float | None = None
    ) -> ConversationState:
        """A conversation as it is now."""
        answer = self._call(
            calls.SHOW_CONVERSATION, {"conversation_id": conversation_id}, timeout_seconds=timeout_seconds
        )
        return _whole(answer, reading.conversation_state(answer.json()))

    def messages(
        self,
        conversation_id: int,
        *,
        after: int | None = None,
        before: int | None = None,
        timeout_seconds: float | None = None,
    ) -> list[ApiMessage]:
        """Messages of a conversation, oldest first. Needs a user token.

        Args:
            conversation_id: the display id.
            after: only messages with a greater id, up to 100 of them; together with ``before`` up to 1,000,
                and then ``after`` itself is among them.
            before: only messages with a smaller id: the newest 20 of them.
            timeout_seconds: see `post_message`.
        """
        query = {
            name: str(value) for name, value in (("after", after), ("before", before)) if value is not None
        }
        answer = self._call(
            calls.LIST_MESSAGES,
            {"conversation_id": conversation_id},
            query=query,
            timeout_seconds=timeout_seconds,
        )
        return _rows(answer, reading.mapping(answer.json()).get("payload"), reading.api_message)

    def conversations(
        self, *, status: str = "all", page: int = 1, timeout_seconds: float | None = None
    ) -> list[ConversationState]:
        """Conversations of the account, newest activity first, 25 a page. Needs a user token."""
        query = {"status": status, "assignee_type": "all", "page": str(page)}
        answer = self._call(calls.LIST_CONVERSATIONS, query=query, timeout_seconds=timeout_seconds)
        data = reading.mapping(reading.mapping(answer.json()).get("data"))
        return _rows(answer, data.get("payload"), reading.conversation_state)

    def set_status(
        self, conversation_id: int, status: Status, *, timeout_seconds: float | None = None
    ) -> str:
        """Set a conversation's status; setting it again changes nothing.

        With a user token of role agent, ``open`` also assigns the conversation to that user.

        Returns:
            The status that Chatwoot says the conversation has now.
        """
        answer = self._call(
            calls.SET_STATUS,
            {"conversation_id": conversation_id},
            body={"status": status},
            timeout_seconds=timeout_seconds,
        )
        payload = reading.mapping(reading.mapping(answer.json()).get("payload"))
        return _whole(answer, reading.text(payload.get("current_status")) or None)

    def unassign(self, conversation_id: int, *, timeout_seconds: float | None = None) -> None:
        """Take the conversation away from whoever is assigned."""
        self._call(
            calls.ASSIGN,
            {"conversation_id": conversation_id},
            body={"assignee_id": None},
            timeout_seconds=timeout_seconds,
        )

    def typing(
        self,
        conversation_id: int,
        on: bool,  # noqa: FBT001 - typing(7, True) reads well enough
        *,
        timeout_seconds: float | None = None,
    ) -> None:
        """Show or stop showing that somebody writes: on the desk, the web widget and API inboxes only."""
        self._call(
            calls.TYPING,
            {"conversation_id": conversation_id},
            body={"typing_status": "on" if on else "off", "is_private": False},
            timeout_seconds=timeout_seconds,
        )

    def add_label(
        self, conversation_id: int, label: str, *, timeout_seconds: float | None = None
    ) -> tuple[str, ...]:
        """Add a label to those that are set.

        Chatwoot replaces all labels at once, so they are read first; one that somebody sets between the two
        calls is lost.

        Returns:
            The labels that are set now.
        """
        path, deadline = {"conversation_id": conversation_id}, self._deadline(timeout_seconds)
        answer = self._call(calls.LIST_LABELS, path, timeout_seconds=deadline.remaining_seconds())
        labels = _labels(answer)
        if label in labels:
            return labels
        body = {"labels": [*labels, label]}
        return _labels(
            self._call(calls.SET_LABELS, path, body=body, timeout_seconds=deadline.remaining_seconds())
        )

    def profile(self, *, timeout_seconds: float | None = None) -> Profile:
        """Whose user token it is, and that user's role in each account."""
        answer = self._call(calls.PROFILE, timeout_seconds=timeout_seconds)
        return _whole(answer, reading.profile(answer.json()))

    def inboxes(self, *, timeout_seconds: float | None = None) -> list[InboxInfo]:
        """The inboxes that the user of the user token may see."""
        answer = self._call(calls.LIST_INBOXES, timeout_seconds=timeout_seconds)
        return _rows(answer, reading.mapping(answer.json()).get("payload"), reading.inbox_info)

    def own_bot_id(self, *, timeout_seconds: float | None = None) -> int | None:
        """The agent bot that the bot token belongs to. Needs a user token that may see the bots' tokens.

        Returns:
            Its number, ``None`` where none of the shown tokens is ours.
        """
        answer = self._call(calls.LIST_AGENT_BOTS, timeout_seconds=timeout_seconds)
        bots = _rows(answer, answer.json(), reading.agent_bot_info)
        own = self._account.bot_token
        return next((bot.id for bot in bots if own is not None and bot.access_token == own), None)

    def list_webhooks(self, *, timeout_seconds: float | None = None) -> list[WebhookInfo]:
        """The account's webhooks with their secrets. Needs an administrator's token."""
        answer = self._call(calls.LIST_WEBHOOKS, timeout_seconds=timeout_seconds)
        payload = reading.mapping(reading.mapping(answer.json()).get("payload"))
        return _rows(answer, payload.get("webhooks"), reading.webhook_info)

    def register_webhook(
        self, url: str, subscriptions: Sequence[str], *, timeout_seconds: float | None = None
    ) -> tuple[int, Secret | None]:
        """Have the account's events delivered to a URL. Needs an administrator's token.

        Returns:
            The webhook's number, and what its deliveries are signed with (``None`` before Chatwoot 4.12).

        Raises:
            ChatwootRefused: the URL is registered already, or an event's name is unknown there.
        """
        body = {"name": "Frontdesk", "url": url, "subscriptions": list(subscriptions)}
        answer = self._call(calls.ADD_WEBHOOK, body=body, timeout_seconds=timeout_seconds)
        webhook = _whole(answer, _one_webhook(answer))
        return webhook.id, webhook.secret

    def change_webhook(
        self,
        webhook_id: int,
        url: str,
        subscriptions: Sequence[str],
        *,
        timeout_seconds: float | None = None,
    ) -> WebhookInfo:
        """Give a webhook another URL or other events; its secret stays. Needs an administrator's token."""
        answer = self._call(
            calls.CHANGE_WEBHOOK,
            {"webhook_id": webhook_id},
            body={"url": url, "subscriptions": list(subscriptions)},
            timeout_seconds=timeout_seconds,
        )
        return _whole(answer, _one_webhook(answer))

    def delete_webhook(self, webhook_id: int, *, timeout_seconds: float | None = None) -> None:
        """Stop a webhook's deliveries. Needs an administrator's token.

        Raises:
            ChatwootMissing: it is gone already.
        """
        self._call(calls.DELETE_WEBHOOK, {"webhook_id": webhook_id}, timeout_seconds=timeout_seconds)

    def _deadline(self, timeout_seconds: float | None) -> Deadline:
        limit = self._timeout_seconds
        return Deadline(
            self._account.clock, limit if timeout_seconds is None else min(limit, timeout_seconds)
        )

    def _call(
        self,
        call: Call,
        path: Mapping[str, int] | None = None,
        *,
        body: JsonDict | None = None,
        query: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> HttpAnswer:
        return self._account.call(
            Request(call, path or {}, body=body, query=query), self._deadline(timeout_seconds)
        )


def _whole(answer: HttpAnswer, found: Shape | None) -> Shape:
    if found is None:
        raise unclear(answer)
    return found


def _rows(answer: HttpAnswer, data: object, read: reading.Reader[Shape]) -> list[Shape]:
    return _whole(answer, reading.every(data, read))


def _labels(answer: HttpAnswer) -> tuple[str, ...]:
    payload = reading.mapping(answer.json()).get("payload")
    labels = reading.strings(payload)
    return _whole(answer, labels if isinstance(payload, list) and len(labels) == len(payload) else None)


def _one_webhook(answer: HttpAnswer) -> WebhookInfo | None:
    payload = reading.mapping(reading.mapping(answer.json()).get("payload"))
    return reading.webhook_info(payload.get("webhook"))
