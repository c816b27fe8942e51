"""Chatwoot's rules: what a message, a status, an assignment does, and who is told of it."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID, uuid4

from local.chatwoot_simulator.records import FACTS, Records, Refused, Row, event, fields
from local.chatwoot_simulator.webhooks import post

CONTENT_LIMIT, MESSAGES_PER_MINUTE = 150_000, 200
BOT_ATTEMPTS, RETRIED_STATUSES, THREADS = 3, (429, 500), 10
# Shopify's tokenizer: one closing brace ends a variable's token, and is then an error.
_LIQUID = re.compile(r"(`.*?`|\{%.*?%\}|\{\{.*?\}\}?)", re.DOTALL)


def liquid(text: str, known: Row) -> str:
    """An outgoing text as Chatwoot stores it.

    Known values expand and unknown ones vanish, tags vanish, text in backticks is protected, and broken
    syntax leaves the whole text alone.

    Args:
        text: the template.
        known: records by the names that templates have for them, such as ``contact``.
    """

    def expanded(token: re.Match[str]) -> str:
        record, _, name = token[0][2:-2].partition("|")[0].strip().partition(".")
        value = known.get(record, {}).get(name) if name in FACTS["template_fields"] else ""
        return token[0] if token[0].startswith("`") else str(value or "")

    rest = _LIQUID.sub("", text)
    unclosed = re.search(r"\{\{[^}]*\}(?!\})", re.sub(r"`.*?`", "", text))
    return text if unclosed or "{{" in rest or "{%" in rest else _LIQUID.sub(expanded, text)


def provider_error(conversation: Row, text: str) -> str:
    """What a channel's provider says to a message, "" when it takes it. Chatwoot itself checks no length."""
    channel = conversation["channel"]
    if channel == "Channel::Whatsapp" and not conversation["can_reply"]:
        return "Template not found or invalid template name"
    length = len(text.encode("utf-8" if channel == "Channel::Instagram" else "utf-16-le", "replace"))
    too_long = length > FACTS["provider_limits_bytes"].get(channel, length)
    return "The message is too long" if too_long else str(conversation["inbox"]["provider_refuses"])


class Chatwoot:
    """One installation: its records, its rules and the events they cause. Callers hold ``lock``.

    Args:
        retry_wait_seconds: between the attempts to tell an agent bot; Chatwoot waits about three seconds.
    """

    def __init__(self, retry_wait_seconds: float) -> None:
        self.lock, self.records, self.deliveries = threading.RLock(), Records(), list[Row]()
        self._retry_wait_seconds, self._stopped = retry_wait_seconds, threading.Event()
        self._pool = ThreadPoolExecutor(THREADS)
        self.records.add_account("Sample Company")

    def close(self) -> None:
        """Stop: what is under way gets its five seconds."""
        self._stopped.set()
        self._pool.shutdown()

    def customer_writes(self, inbox: Row, given: Row) -> Row:
        """A customer's message arrives from the channel; its conversation is found, reopened or made."""
        conversation = self._conversation(inbox, given["contact"], given.get("custom_attributes") or {})
        reopened = {"resolved": "pending" if inbox["bot_id"] else "open", "snoozed": "open"}
        self.change(conversation, status=reopened.get(conversation["status"], conversation["status"]))
        source_id = None if conversation["channel"] in FACTS["own_channels"] else f"wamid.{uuid4().hex}"
        # Without files Chatwoot leaves the key out.
        values = {name: given[name] for name in given.keys() & {"attachments"}}
        values |= {"message_type": "incoming", "source_id": source_id, "shown": given["text"]}
        message = self._store(conversation, conversation["contact"], given["text"], **values)
        self.change(conversation, waiting_since=conversation["waiting_since"] or int(time.time()))
        return message

    def reply(self, conversation: Row, sender: Row, text: str, **values: object) -> Row:
        """Store an outgoing message, tell everybody, and send it on unless it has a ``source_id``.

        Raises:
            Refused: too long, or too many in a minute.
        """
        recent = [one for one in conversation["said"] if one["created_at"] > time.time() - 60]
        if len(text) > CONTENT_LIMIT or len(recent) >= MESSAGES_PER_MINUTE:
            wrong = FACTS["too_long"] if len(text) > CONTENT_LIMIT else "Too many messages"
            raise Refused({"error": f"Validation failed: {wrong}"}, 422)
        known = {"agent": sender, "contact": conversation["contact"], "account": conversation["account"]}
        message = self._store(conversation, sender, liquid(text, known), **values)
        if not message["private"]:
            self.change(conversation, waiting_since=0)
        if not (message["private"] or message["source_id"]):
            conversation["leaving"].append(message)
            self._pool.submit(self._deliver_next, conversation).add_done_callback(Future.result)
        return message

    def change(self, conversation: Row, line: str = "", **values: object) -> None:
        """Set columns of a conversation, and tell what really changed; ``line`` explains a new status."""
        old = {name: conversation[name] for name in values if conversation[name] != values[name]}
        if not old:
            return
        conversation |= {**values, "updated_at": round(time.time(), 6)}
        changes = [{name: {"previous_value": old[name], "current_value": values[name]}} for name in old]
        self._tell("conversation_updated", conversation, changed_attributes=changes)
        if "status" in old:  # what changed is empty by then in Chatwoot
            self._tell("conversation_status_changed", conversation, changed_attributes=None)
            line = line or f"Conversation was {FACTS['status_words'][conversation['status']]}"
            self._store(conversation, None, line, message_type="activity")
            self._auto_assign(conversation)

    def _conversation(self, inbox: Row, name: str, custom_attributes: Row) -> Row:
        account, seconds = self.records.one("accounts", id=inbox["account_id"]), int(time.time())
        home = {"account": fields("account in events", account), "account_id": account["id"]}
        known = self.records.every("contacts", name=name, account_id=account["id"])
        contact = known[0] if known else self.records.add("contacts", name=name, **home)
        contact["phone_number"] = f"+1202556{contact['id']:04d}"
        ids = {"contact_id": contact["id"], "inbox_id": inbox["id"]}
        earlier = self.records.every("conversations", **ids)
        keeps_one = inbox["lock_to_single_conversation"] or inbox["channel_type"] in FACTS["own_channels"]
        if earlier and (keeps_one or earlier[-1]["status"] != "resolved"):
            return earlier[-1]
        number = next(self.records.numbers[f"conversations of account {account['id']}"])
        new = self.records.add("conversations", id=number, contact=contact, inbox=inbox, **home, **ids)
        new |= {"conversation_id": number, "channel": inbox["channel_type"], "created_at": seconds}
        new |= {"contact_inbox": _contact_inbox(inbox, contact), "custom_attributes": custom_attributes}
        new |= {"status": "pending" if inbox["bot_id"] else "open", "waiting_since": seconds}
        new["users"] = {one["id"]: one for one in account["users"]}
        self._auto_assign(new)
        return new

    def _auto_assign(self, conversation: Row) -> None:
        """On by default; the event names no actor."""
        unassigned = conversation["status"] == "open" and not conversation["assignee_id"]
        if unassigned and conversation["inbox"]["enable_auto_assignment"]:
            agents = [number for number, one in conversation["users"].items() if one["role"] == "agent"]
            self.change(conversation, assignee_id=agents[0])

    def _store(self, conversation: Row, who: Row | None, text: str, **values: object) -> Row:
        moment, seconds = time.time(), int(time.time())
        by = {"sender": who, "sender_id": who["id"], "sender_type": who["sender_type"]} if who else {}
        place = fields("conversation of a message", conversation) | {"content": text, "updated_at": moment}
        message = self.records.add("messages", created_at=moment, **place, **by, **values)
        conversation["said"].append(message)
        conversation |= {"last_activity_at": seconds, "timestamp": seconds, "updated_at": round(moment, 6)}
        conversation["typing"] = ""
        if who:
            self._tell("message_created", conversation, message)
        return message

    def _change_message(self, conversation: Row, message: Row, **values: object) -> None:
        message |= {**values, "updated_at": time.time()}
        self._tell("message_updated", conversation, message)

    def _deliver_next(self, conversation: Row) -> None:
        """The channel's provider takes the oldest message that waits, or refuses it."""
        with self.lock:
            message = conversation["leaving"].pop(0)
            error = provider_error(conversation, message["content"])
            if error:
                attributes = {**message["content_attributes"], "external_error": error}
                self._change_message(conversation, message, status="failed", content_attributes=attributes)
                return
            message["shown"] = message["content"]
            if conversation["channel"] not in FACTS["own_channels"]:
                self._change_message(conversation, message, source_id=f"wamid.{uuid4().hex}")
                self._change_message(conversation, message, status="delivered")

    def _tell(self, event: str, conversation: Row, message: Row | None = None, **more: object) -> None:
        """Tell the account's webhooks and the inbox's bot: soon, in no promised order."""
        webhooks = self.records.every("webhooks", account_id=conversation["account_id"])
        for target in (*webhooks, *self.records.every("bots", id=conversation["inbox"]["bot_id"])):
            if event in target["subscriptions"] and target["url"] and not self._stopped.is_set():
                sending = self._pool.submit(self._send, target, event, conversation, message, more)
                sending.add_done_callback(Future.result)  # an error in there is logged

    def _send(self, target: Row, name: str, conversation: Row, message: Row | None, more: Row) -> None:
        """Only bots are tried again; one that cannot be told of a message leaves the customer to people."""
        to_bot, delivery_id = target["kind"] == "agent_bot", str(uuid4())
        with self.lock:  # what is told may be newer than the event
            payload = {**event(conversation, message), "event": name, **more}
        for attempt in range(BOT_ATTEMPTS if to_bot else 1):
            self._stopped.wait(self._retry_wait_seconds if attempt else 0)
            sent = post(fields("target in deliveries", target), delivery_id, payload)
            self.deliveries.append(sent)
            if sent["status"] not in RETRIED_STATUSES:
                break
        with self.lock:
            if to_bot and message and sent["error"] and conversation["status"] == "pending":
                self.change(conversation, FACTS["bot_failed"], status="open")


def _contact_inbox(inbox: Row, contact: Row) -> Row:
    """Where a channel reaches a customer."""
    phone, prefix = contact["phone_number"], str(inbox["phone_number"]).partition("+")[0]
    addresses = {"Channel::Whatsapp": phone[1:], "Channel::TwilioSms": prefix + phone}
    source_id = addresses.get(inbox["channel_type"], str(UUID(int=contact["id"])))
    ids = {"id": contact["id"], "contact_id": contact["id"], "inbox_id": inbox["id"]}
    return {**FACTS["contact_inbox"], **ids, "source_id": source_id, "pubsub_token": contact["token"]}
