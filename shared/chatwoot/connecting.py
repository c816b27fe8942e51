"""Getting to know a Chatwoot account: do the tokens work, what may they do, which inboxes are there.

What the tokens may do is found by trying, because it depends on the server's version, the user's role and
the inboxes the user is in. The tries only read, except one: switching a typing indicator *off*, which nobody
sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from shared.chatwoot.answers import CLOSED_TO_BOTS
from shared.chatwoot.errors import ChatwootDenied, ChatwootMissing, ChatwootRefused, ChatwootUnclear
from shared.platform.addresses import AddressRefused
from shared.platform.clock import Deadline, SystemClock
from shared.platform.errors import FieldError, InvalidInput, RequestNotSent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.chatwoot.client import ChatwootClient
    from shared.chatwoot.results import ConversationState, InboxInfo, Profile, WebhookInfo
    from shared.platform.clock import Clock
    from shared.platform.errors import FrontdeskError
    from shared.platform.secret import Secret

Found = TypeVar("Found")

SUBSCRIPTIONS = (
    "message_created",
    "message_updated",
    "conversation_updated",
    "conversation_status_changed",
)
"""The account webhook's events that the door makes use of."""

NO_CONVERSATION = 0
"""A display id that no conversation has: Chatwoot checks token, account and call before it looks for it."""

CHECK_TIMEOUT_SECONDS = 20.0

MISSING = {
    "read_conversation": (
        "Frontdesk cannot read conversations: it knows a conversation's status and who is in charge from "
        "webhooks only, so it may still answer when a person takes over in the very last moment."
    ),
    "list_messages": (
        "Frontdesk cannot list messages: when Chatwoot's answer to a post is lost it cannot look whether the "
        "message arrived, and a person is told instead."
    ),
    "list_conversations": (
        "Frontdesk cannot list conversations, which takes a user token: webhooks that were lost cannot be "
        "found, and what those customers wrote stays unanswered."
    ),
    "list_inboxes": (
        "Frontdesk cannot list inboxes: it does not know their channels, and it assumes that Chatwoot "
        "assigns conversations by itself, so that an assignment alone does not silence the bot."
    ),
    "register_webhook": (
        "Frontdesk cannot register its webhook, which takes an administrator's token: add it in Chatwoot "
        "under Settings, Integrations, Webhooks, and give its secret when connecting."
    ),
    "typing": "Frontdesk cannot show that it is writing.",
}
"""What will not work without a capability, for people."""


def shortcomings(capabilities: Mapping[str, bool]) -> list[str]:
    """A sentence for everything that was tried and does not work."""
    return [sentence for name, sentence in MISSING.items() if capabilities.get(name) is False]


@dataclass(frozen=True)
class ConnectReport:
    """What was found out about an account.

    Attributes:
        user_id: whose user token it is, ``None`` without one.
        role: ``agent`` or ``administrator`` in this account, "" where unknown.
        bot_id: the agent bot of the bot token, ``None`` where it cannot be seen (agents do not see it).
        capabilities: what works; a name that could not be tried is missing, and `warnings` says so.
        warnings: a sentence for everything that will not work as it could.
        inboxes: those that the user may see.
    """

    user_id: int | None
    role: str
    bot_id: int | None
    capabilities: dict[str, bool]
    warnings: tuple[str, ...]
    inboxes: tuple[InboxInfo, ...]


def connect_check(
    client: ChatwootClient,
    *,
    timeout_seconds: float = CHECK_TIMEOUT_SECONDS,
    clock: Clock | None = None,
) -> ConnectReport:
    """Check the tokens of a client and find out what they may do.

    Args:
        client: with the tokens to check.
        timeout_seconds: for everything together.
        clock: where time comes from.

    Raises:
        InvalidInput: server, account or a token is wrong; names the field of the connect request
            (``base_url``, ``account_id``, ``api_key``, ``bot_token``).
        RetryLater: the server is busy or failing just now.
    """
    check = _Check(client, Deadline(clock or SystemClock(), timeout_seconds))
    profile = check.profile() if client.has_user_token else None
    if client.has_bot_token:
        check.bot_token()
    if profile is None and not client.has_bot_token:
        raise _wrong("api_key", "a user token or a bot token is needed", "no_token")
    inboxes = check.capability("list_inboxes", client.inboxes) or []
    conversations = check.capability("list_conversations", client.conversations) or []
    check.capability("register_webhook", client.list_webhooks)
    check.within_a_conversation(conversations)
    role = profile.roles.get(client.account_id, "") if profile else ""
    bot_id = check.bot_id() if client.has_bot_token and client.has_user_token else None
    check.warnings += _advice(client, role, bot_id)
    return ConnectReport(
        user_id=profile.user_id if profile else None,
        role=role,
        bot_id=bot_id,
        capabilities=check.capabilities,
        warnings=tuple(check.warnings),
        inboxes=tuple(inboxes),
    )


class _Check:
    """One check in progress: what it has found so far."""

    def __init__(self, client: ChatwootClient, deadline: Deadline) -> None:
        self._client = client
        self._deadline = deadline
        self.capabilities: dict[str, bool] = {}
        self.warnings: list[str] = []

    def profile(self) -> Profile:
        """The user behind the user token, who must be in the account."""
        try:
            profile = self._client.profile(timeout_seconds=self._deadline.remaining_seconds())
        except (ChatwootDenied, ChatwootMissing, ChatwootUnclear, RequestNotSent, AddressRefused) as error:
            raise _of_server_or_token(error, "api_key") from error
        if self._client.account_id not in profile.roles:
            raise _wrong(
                "account_id", "the user of this token is not in this account", "user_outside_account"
            )
        return profile

    def bot_token(self) -> None:
        """See that the bot token is one, and good for this account."""
        bot = self._client.bot_alone()
        try:
            bot.conversation(NO_CONVERSATION, timeout_seconds=self._deadline.remaining_seconds())
        except ChatwootMissing:
            return  # as expected: the call got as far as looking for the conversation
        except ChatwootDenied as error:
            if error.reason != CLOSED_TO_BOTS:  # closed: a server before 4.14.2 that knows the token
                raise _of_server_or_token(error, "bot_token") from error
        except (ChatwootUnclear, RequestNotSent, AddressRefused) as error:
            raise _of_server_or_token(error, "bot_token") from error

    def capability(self, name: str, call: Callable[..., Found]) -> Found | None:
        """Try a call and note whether it works."""
        try:
            found = call(timeout_seconds=self._deadline.remaining_seconds())
        except (ChatwootDenied, ChatwootMissing, ChatwootRefused):
            self.capabilities[name] = False
            self.warnings.append(MISSING[name])
            return None
        self.capabilities[name] = True
        return found

    def within_a_conversation(self, conversations: Sequence[ConversationState]) -> None:
        """Try what needs a conversation, on the one that was active last."""
        if not conversations:
            self._without_a_conversation()
            return
        number, client = conversations[0].id, self._client
        self.capability("read_conversation", lambda **wait: client.conversation(number, **wait))
        self.capability("list_messages", lambda **wait: client.messages(number, **wait))
        self.capability("typing", lambda **wait: client.typing(number, on=False, **wait))

    def _without_a_conversation(self) -> None:
        """Tell what can be told from asking for a conversation that is not there."""
        for name, call in (
            ("read_conversation", self._client.conversation),
            ("list_messages", self._client.messages),
        ):
            self._reaches(name, call)
        self.warnings.append("No conversation could be listed, so the typing indicator was not tried.")

    def _reaches(self, name: str, call: Callable[..., object]) -> None:
        try:
            call(NO_CONVERSATION, timeout_seconds=self._deadline.remaining_seconds())
        except ChatwootMissing:
            self.capabilities[name] = True
        except (ChatwootDenied, ChatwootRefused):
            self.capabilities[name] = False
            self.warnings.append(MISSING[name])
        else:
            self.capabilities[name] = True

    def bot_id(self) -> int | None:
        """Which bot the bot token belongs to, as far as the user may see the bots' tokens."""
        try:
            return self._client.own_bot_id(timeout_seconds=self._deadline.remaining_seconds())
        except (ChatwootDenied, ChatwootMissing, ChatwootRefused):
            return None


def _of_server_or_token(error: FrontdeskError, token_field: str) -> InvalidInput:
    """Which field of the connect request a failure speaks of."""
    if isinstance(error, AddressRefused):
        return _wrong("base_url", str(error), error.reason)
    if isinstance(error, RequestNotSent):
        return _wrong("base_url", "the server cannot be reached", "unreachable")
    if isinstance(error, ChatwootUnclear | ChatwootMissing):
        return _wrong("base_url", "what answers there is not Chatwoot's API", "not_chatwoot")
    if error.reason in {"bot_outside_account", "user_outside_account", "account_suspended"}:
        return _wrong("account_id", "the token is not good for this account", error.reason)
    if error.reason == "token_not_received":
        return _wrong(
            "base_url", "the server does not receive the token: a proxy drops the header", error.reason
        )
    return _wrong(token_field, "Chatwoot does not accept this token", error.reason)


def _wrong(field: str, problem: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"Chatwoot could not be connected: {problem}", reason=reason, fields=(FieldError(field, problem),)
    )


def _advice(client: ChatwootClient, role: str, bot_id: int | None) -> list[str]:
    if not client.has_bot_token:
        return _advice_without_bot(role)
    if client.has_user_token and bot_id is None:
        return ["Which agent bot the bot token belongs to could not be seen with this user token."]
    return []


def _advice_without_bot(role: str) -> list[str]:
    own_name = (
        "Without a bot token Frontdesk writes in the name of the user whose token it has, and its replies "
        "look like a person's in Chatwoot's reports."
    )
    assigns = (
        "This user is an agent: when Frontdesk sets a conversation to open, Chatwoot assigns it to this "
        "user. Use an agent bot's token or an administrator's."
    )
    return [own_name, assigns] if role == "agent" else [own_name]


def webhook_of(webhooks: Sequence[WebhookInfo], url: str) -> WebhookInfo | None:
    """The account's webhook that delivers to a URL, if there is one."""
    wanted = url.rstrip("/")
    return next((webhook for webhook in webhooks if webhook.url.rstrip("/") == wanted), None)


def ensure_webhook(
    client: ChatwootClient, url: str, *, timeout_seconds: float | None = None
) -> tuple[int, Secret | None]:
    """Have `SUBSCRIPTIONS` delivered to a URL: registers the webhook, or takes the one that is there.

    One that is there keeps its secret; events it misses are added, events it has besides are kept.

    Returns:
        The webhook's number, and what its deliveries are signed with (``None`` before Chatwoot 4.12).

    Raises:
        ChatwootDenied: the token is not an administrator's.
    """
    there = webhook_of(client.list_webhooks(timeout_seconds=timeout_seconds), url)
    if there is None:
        return client.register_webhook(url, SUBSCRIPTIONS, timeout_seconds=timeout_seconds)
    if not set(SUBSCRIPTIONS) <= set(there.subscriptions):
        events = dict.fromkeys([*there.subscriptions, *SUBSCRIPTIONS])
        there = client.change_webhook(there.id, there.url, tuple(events), timeout_seconds=timeout_seconds)
    return there.id, there.secret


def remove_webhook(client: ChatwootClient, webhook_id: int, *, timeout_seconds: float | None = None) -> bool:
    """Delete a webhook.

    Returns:
        Whether it was still there.
    """
    try:
        client.delete_webhook(webhook_id, timeout_seconds=timeout_seconds)
    except ChatwootMissing:
        return False
    return True
