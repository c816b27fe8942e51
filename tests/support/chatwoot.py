"""A handle on a running Chatwoot simulator. It speaks HTTP only, so that it works on one in any process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import requests

from tests.support import webhooks

if TYPE_CHECKING:
    from collections.abc import Callable

JsonDict = dict[str, Any]
INCOMING = 0
TIMEOUT_SECONDS = 30.0
FRONTDESK_EVENTS = (
    "message_created",
    "message_updated",
    "conversation_updated",
    "conversation_status_changed",
)


@dataclass(frozen=True)
class Written:
    """A customer's message that Chatwoot took."""

    message_id: int
    conversation_id: int


@dataclass(frozen=True)
class RegisteredWebhook:
    """An account's webhook and the secret that Chatwoot chose for it."""

    id: int
    secret: str


class ChatwootHandle:
    """Plays customers and agents of one account, and looks at what the simulator saw.

    Args:
        base_url: of the simulator.
        account_id: the account to play in; ``None`` takes the first.
    """

    def __init__(self, base_url: str, account_id: int | None = None) -> None:
        self.base_url = base_url
        self._http = requests.Session()
        self._http.trust_env = False
        accounts = self._control("GET", "/accounts")
        account = next(one for one in accounts if account_id in (None, one["id"]))
        self.account_id: int = account["id"]
        tokens = {one["role"]: one for one in account["users"]}
        self.administrator_token: str = tokens["administrator"]["token"]
        self.administrator_id: int = tokens["administrator"]["id"]
        self.agent_token: str = tokens["agent"]["token"]
        self.agent_id: int = tokens["agent"]["id"]
        bot = account["bots"][0]
        self.bot_token: str = bot["token"]
        self.bot_id: int = bot["id"]
        self.bot_secret: str = bot["secret"]
        self.inboxes: dict[str, int] = {one["name"]: one["id"] for one in account["inboxes"]}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    # People

    def customer_writes(
        self,
        text: str,
        *,
        inbox: str = "WhatsApp",
        contact: str = "Sam Sample",
        custom_attributes: JsonDict | None = None,
    ) -> Written:
        """A customer writes.

        Args:
            text: the message.
            inbox: its name: ``Website``, ``WhatsApp``, ``App``, ``Twilio WhatsApp``, or one that you added.
            contact: the customer's name; the same name is the same customer.
            custom_attributes: of the conversation, if this opens one, as a website's visitor can set them.
        """
        given = {"text": text, "inbox_id": self.inboxes[inbox], "contact": contact}
        given["custom_attributes"] = custom_attributes or {}
        answer = self._in_account("POST", "/customer", given)
        return Written(answer["message_id"], answer["conversation_id"])

    def customer_sends(
        self,
        data: bytes,
        file_type: str,
        *,
        text: str | None = None,
        contact: str = "Sam Sample",
        **file: object,
    ) -> Written:
        """A customer sends a file over WhatsApp.

        Args:
            data: the file.
            file_type: what Chatwoot calls it: ``audio``, ``image``, ``file`` …
            text: the words that come with it.
            contact: the customer's name.
            file: see `local.file_storage`: ``name``, ``content_type``, ``missing``, ``location``.
        """
        answer = self._http.post(
            f"{self.base_url}/simulator/files",
            params={"file_type": file_type, **{name: str(value) for name, value in file.items()}},
            data=data,
            timeout=TIMEOUT_SECONDS,
        )
        given = {"text": text, "inbox_id": self.inboxes["WhatsApp"], "contact": contact}
        made = self._in_account("POST", "/customer", {**given, "attachments": [answer.json()]})
        return Written(made["message_id"], made["conversation_id"])

    def agent_replies(self, conversation_id: int, text: str, *, private: bool = False) -> int:
        """A person answers, or leaves a private note; gives the message's id."""
        path = f"/api/v1/accounts/{self.account_id}/conversations/{conversation_id}/messages"
        given = {"content": text, "private": private}
        return int(self._control("POST", path, given, token=self.agent_token)["id"])

    def set_conversation(self, conversation_id: int, **values: object) -> JsonDict:
        """A person sets ``status`` or ``assignee_id`` (or ``None``); or ``can_reply`` changes."""
        answer: JsonDict = self._in_account("PATCH", f"/conversations/{conversation_id}", values)
        return answer

    def customer_sees(self, conversation_id: int) -> list[str]:
        """What reached the customer's screen from the company's side, in that order."""
        said = self.conversation(conversation_id)["messages"]
        return [one["shown"] for one in said if one["shown"] is not None and one["message_type"] != INCOMING]

    def conversation(self, conversation_id: int) -> JsonDict:
        """Status, assignee, who types, and all messages, private notes and activity included."""
        found: JsonDict = self._in_account("GET", f"/conversations/{conversation_id}")
        return found

    def conversations(self) -> list[JsonDict]:
        """Every conversation of the account, the liveliest first."""
        found: list[JsonDict] = self._in_account("GET", "/conversations")
        return found

    # Settings

    def register_webhook(
        self, url: str, subscriptions: tuple[str, ...] = FRONTDESK_EVENTS
    ) -> RegisteredWebhook:
        """Register an account's webhook as an administrator does."""
        given = {"url": url, "subscriptions": list(subscriptions)}
        webhook = self.api("POST", "/webhooks", given).json()["payload"]["webhook"]
        return RegisteredWebhook(webhook["id"], webhook["secret"])

    def connect_bot(self, url: str, inbox: str = "WhatsApp") -> str:
        """Let the account's agent bot serve an inbox; gives the bot's webhook secret."""
        self._in_account("PATCH", f"/bots/{self.bot_id}", {"url": url})
        self.set_inbox(inbox, bot_id=self.bot_id)
        return self.bot_secret

    def set_inbox(self, inbox: str, **settings: object) -> None:
        """Change an inbox.

        Args:
            inbox: its name.
            settings: ``enable_auto_assignment``, ``lock_to_single_conversation``, ``bot_id``,
                ``provider_refuses`` (an error's text, "" for none).
        """
        self._in_account("PATCH", f"/inboxes/{self.inboxes[inbox]}", settings)

    def add_account(self, name: str) -> ChatwootHandle:
        """Another account of the same installation, with people, bot and inboxes of its own."""
        return ChatwootHandle(self.base_url, self._control("POST", "/accounts", {"name": name})["id"])

    # The machine

    def faults(self, *faults: JsonDict) -> None:
        """Replace all faults; none at all switches everything off."""
        self._control("PUT", "/faults", list(faults))

    def message_fault(self, **fault: object) -> None:
        """Let the next posted message meet a fault."""
        path = "/api/v1/accounts/*/conversations/*/messages"
        self.faults({"method": "POST", "path": path, **fault})

    def calls(self, method: str = "", ending: str = "") -> list[JsonDict]:
        """API calls that arrived, oldest first: ``at``, ``method``, ``path``, ``status``."""
        found = self._control("GET", "/calls")
        return [one for one in found if method in ("", one["method"]) and one["path"].endswith(ending)]

    def deliveries(self, event: str = "", kind: str = "") -> list[JsonDict]:
        """Webhooks sent, oldest first, one entry an attempt: ``status``, ``body``, ``answer``, ``error``."""
        found = self._control("GET", "/deliveries")
        return [one for one in found if event in ("", one["event"]) and kind in ("", one["kind"])]

    def repeat(self, delivery: JsonDict, *, as_new: bool = False) -> requests.Response:
        """Send a delivery's body once more, freshly signed, under another delivery id if ``as_new``.

        Chatwoot itself does the latter at times (chatwoot/chatwoot#11901).
        """
        body: bytes = delivery["body"].encode()
        signed = webhooks.signed_headers(delivery["secret"], body, int(time.time()))
        headers = {name.title(): value for name, value in signed.items()}
        headers["X-Chatwoot-Delivery"] = str(uuid4()) if as_new else delivery["delivery_id"]
        return self._http.post(delivery["url"], data=body, headers=headers, timeout=TIMEOUT_SECONDS)

    def api(
        self, method: str, path: str, given: object = None, *, token: str | None = None
    ) -> requests.Response:
        """Call Chatwoot's API below the account, as the administrator unless a token is given."""
        url = f"{self.base_url}/api/v1/accounts/{self.account_id}{path}"
        headers = {"Api-Access-Token": token or self.administrator_token}
        return self._http.request(method, url, json=given, headers=headers, timeout=TIMEOUT_SECONDS)

    def _in_account(self, method: str, path: str, given: object = None) -> Any:  # noqa: ANN401 - any JSON
        return self._control(method, f"/accounts/{self.account_id}{path}", given)

    def _control(self, method: str, path: str, given: object = None, token: str = "") -> Any:  # noqa: ANN401 - any JSON
        url, headers = f"{self.base_url}/simulator{path}", {"Api-Access-Token": token}
        answer = self._http.request(method, url, json=given, headers=headers, timeout=TIMEOUT_SECONDS)
        if not answer.ok:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()


def eventually(check: Callable[[], Any], *, seconds: float = 10.0, every_seconds: float = 0.05) -> Any:  # noqa: ANN401 - whatever the check gives
    """The first true answer of ``check``.

    Raises:
        AssertionError: it stayed false for ``seconds``.
    """
    end = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"still {answer!r} after {seconds} s")
        time.sleep(every_seconds)
