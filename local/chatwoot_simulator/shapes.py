"""The JSON that Chatwoot 4.15 gives and sends: one function for each shape.

The same record looks different in an event, inside a conversation and in an answer of the API: message types
are words or numbers, times are ISO texts or Unix seconds, a contact has a ``type`` or none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.chatwoot_simulator.records import ACTIVITY, INCOMING, MESSAGE_TYPES, Bot, Contact, User

if TYPE_CHECKING:
    from local.chatwoot_simulator.records import Conversation, Inbox, JsonDict, Message, Webhook, World

UNREAD_COUNT_STOPS_AT = 10


def iso(seconds: float) -> str | None:
    """Unix seconds as Rails writes times in JSON; ``None`` for 0, which means unset."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def account_ref(world: World, account_id: int) -> JsonDict:
    """An account as events name it."""
    account = next(one for one in world.accounts if one.id == account_id)
    return {"id": account.id, "name": account.name}


def _contact(contact: Contact) -> JsonDict:
    return {
        "additional_attributes": contact.additional_attributes,
        "custom_attributes": contact.custom_attributes,
        "email": contact.email,
        "id": contact.id,
        "identifier": contact.identifier,
        "name": contact.name,
        "phone_number": contact.phone_number,
        "thumbnail": "",
        "blocked": contact.blocked,
    }


def nested_sender(sender: Contact | User | Bot | None) -> JsonDict | None:
    """A sender inside a conversation or an answer of the API: every kind says its ``type``."""
    if sender is None:
        return None
    if isinstance(sender, Contact):
        return {**_contact(sender), "type": "contact"}
    if isinstance(sender, Bot):
        return {"id": sender.id, "name": sender.name, "avatar_url": "", "type": "agent_bot"}
    return {
        "id": sender.id,
        "name": sender.name,
        "available_name": sender.name.split()[0],
        "avatar_url": "",
        "type": "user",
        "availability_status": "online",
        "thumbnail": "",
    }


def event_sender(world: World, sender: Contact | User | Bot | None) -> JsonDict | None:
    """A sender at the top of an event: a contact has no ``type`` here, a user has an address."""
    if sender is None:
        return None
    if isinstance(sender, Contact):
        return {"account": account_ref(world, sender.account_id), "avatar": "", **_contact(sender)}
    if isinstance(sender, Bot):
        return {"id": sender.id, "name": sender.name, "type": "agent_bot"}
    return {"id": sender.id, "name": sender.name, "email": sender.email, "type": "user"}


def agent_answer(user: User) -> JsonDict:
    """A user as the API shows an agent."""
    return {
        "id": user.id,
        "account_id": user.account_id,
        "availability_status": "online",
        "auto_offline": True,
        "confirmed": True,
        "email": user.email,
        "available_name": user.name.split()[0],
        "name": user.name,
        "role": user.role,
        "thumbnail": "",
        "custom_role_id": None,
    }


def bot_answer(bot: Bot) -> JsonDict:
    """A bot as an assignee in the API's answers."""
    return {
        "id": bot.id,
        "name": bot.name,
        "description": "",
        "thumbnail": "",
        "outgoing_url": bot.outgoing_url,
        "bot_type": "webhook",
    }


def contact_answer(world: World, contact: Contact) -> JsonDict:
    """A contact as the API shows it."""
    last = max((one.created_at for one in world.messages if one.sender_id == contact.id), default=0)
    return {
        **_contact(contact),
        "availability_status": "offline",
        "last_activity_at": int(last),
        "created_at": int(contact.created_at),
    }


def inbox_answer(inbox: Inbox) -> JsonDict:
    """An inbox as the API shows it, with what a client of ours may read."""
    medium = "whatsapp" if str(inbox.phone_number).startswith("whatsapp:") else "sms"
    return {
        "id": inbox.id,
        "avatar_url": "",
        "channel_id": inbox.id,
        "name": inbox.name,
        "channel_type": inbox.channel_type,
        "greeting_enabled": False,
        "greeting_message": None,
        "working_hours_enabled": False,
        "enable_auto_assignment": inbox.enable_auto_assignment,
        "auto_assignment_config": {},
        "out_of_office_message": None,
        "timezone": "UTC",
        "allow_messages_after_resolved": True,
        "lock_to_single_conversation": inbox.lock_to_single_conversation,
        "phone_number": inbox.phone_number,
        "provider": "whatsapp_cloud" if inbox.channel_type == "Channel::Whatsapp" else None,
        **({"medium": medium} if inbox.channel_type == "Channel::TwilioSms" else {}),
    }


def webhook_answer(webhook: Webhook) -> JsonDict:
    """A webhook as the API shows it, secret included."""
    return {
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "account_id": webhook.account_id,
        "subscriptions": webhook.subscriptions,
        "secret": webhook.secret,
    }


def message_answer(world: World, message: Message) -> JsonDict:
    """A message as the API shows it."""
    answer: JsonDict = {
        "id": message.id,
        "content": message.content,
        "inbox_id": message.inbox_id,
        "conversation_id": message.conversation_id,
        "message_type": message.message_type,
        "content_type": message.content_type,
        "status": message.status,
        "content_attributes": message.content_attributes,
        "created_at": int(message.created_at),
        "private": message.private,
        "source_id": message.source_id,
    }
    sender = nested_sender(world.sender_of(message))
    return {**answer, "sender": sender} if sender else answer


def nested_message(world: World, conversation: Conversation, message: Message) -> JsonDict:
    """A message inside a conversation."""
    return {
        **message_answer(world, message),
        "account_id": message.account_id,
        "updated_at": iso(message.updated_at),
        "sender_type": message.sender_type,
        "sender_id": message.sender_id,
        "external_source_ids": {},
        "additional_attributes": message.additional_attributes,
        "processed_message_content": message.content,
        "sentiment": {},
        "conversation": {
            "assignee_id": conversation.assignee_id,
            "unread_count": unread_count(world, conversation),
            "last_activity_at": int(conversation.last_activity_at),
            "contact_inbox": {"source_id": world.contact_of(conversation)[1].source_id},
        },
    }


def unread_count(world: World, conversation: Conversation) -> int:
    """How many customer's messages no agent has seen, at most ten."""
    seen = conversation.agent_last_seen_at
    messages = world.conversation_messages(conversation)
    unread = [one for one in messages if one.message_type == INCOMING and one.created_at > seen]
    return min(len(unread), UNREAD_COUNT_STOPS_AT)


def _newest_public(world: World, conversation: Conversation) -> list[JsonDict]:
    messages = world.conversation_messages(conversation)
    public = [one for one in messages if not one.private and one.message_type != ACTIVITY]
    return [nested_message(world, conversation, one) for one in public[-1:]]


def assignee_of(world: World, conversation: Conversation) -> User | Bot | None:
    """The person or bot that the conversation is assigned to."""
    if conversation.assignee_agent_bot_id:
        return next(one for one in world.bots if one.id == conversation.assignee_agent_bot_id)
    return next((one for one in world.users if one.id == conversation.assignee_id), None)


def _times(conversation: Conversation) -> JsonDict:
    return {
        "waiting_since": int(conversation.waiting_since),
        "agent_last_seen_at": int(conversation.agent_last_seen_at),
        "contact_last_seen_at": int(conversation.contact_last_seen_at),
        "last_activity_at": int(conversation.last_activity_at),
        "timestamp": int(conversation.last_activity_at),
        "created_at": int(conversation.created_at),
        "updated_at": conversation.updated_at,
    }


def _kind(assignee: User | Bot | None) -> str | None:
    return None if assignee is None else "AgentBot" if isinstance(assignee, Bot) else "User"


def conversation_event(world: World, conversation: Conversation) -> JsonDict:
    """A conversation as events carry it, alone or inside a message's event."""
    contact, link = world.contact_of(conversation)
    assignee = assignee_of(world, conversation)
    inbox = world.inbox_of(conversation)
    return {
        "additional_attributes": conversation.additional_attributes,
        "can_reply": conversation.can_reply,
        "channel": inbox.channel_type,
        "contact_inbox": {
            "id": link.id,
            "contact_id": link.contact_id,
            "inbox_id": link.inbox_id,
            "source_id": link.source_id,
            "created_at": iso(link.created_at),
            "updated_at": iso(link.created_at),
            "hmac_verified": False,
            "pubsub_token": link.pubsub_token,
        },
        "id": conversation.id,
        "inbox_id": conversation.inbox_id,
        "messages": _newest_public(world, conversation),
        "labels": conversation.labels,
        "meta": {
            "sender": nested_sender(contact),
            "assignee": nested_sender(assignee),
            "assignee_type": _kind(assignee),
            "team": None,
            "hmac_verified": False,
        },
        "status": conversation.status,
        "custom_attributes": conversation.custom_attributes,
        "snoozed_until": iso(conversation.snoozed_until),
        "unread_count": unread_count(world, conversation),
        "first_reply_created_at": iso(conversation.first_reply_created_at),
        "priority": None,
        **_times(conversation),
        "account": account_ref(world, conversation.account_id),
    }


def message_event(world: World, conversation: Conversation, message: Message) -> JsonDict:
    """A message's event: no status, no changes, the conversation as it is by now."""
    inbox = world.inbox_of(conversation)
    return {
        "account": account_ref(world, message.account_id),
        "additional_attributes": message.additional_attributes,
        "content_attributes": message.content_attributes,
        "content_type": message.content_type,
        "content": message.content,
        "conversation": conversation_event(world, conversation),
        "created_at": iso(message.created_at),
        "id": message.id,
        "inbox": {"id": inbox.id, "name": inbox.name},
        "message_type": MESSAGE_TYPES[message.message_type],
        "private": message.private,
        "sender": event_sender(world, world.sender_of(message)),
        "source_id": message.source_id,
    }


def conversation_answer(world: World, conversation: Conversation) -> JsonDict:
    """A conversation as the API shows it."""
    event = conversation_event(world, conversation)
    assignee = assignee_of(world, conversation)
    shown = (
        bot_answer(assignee) if isinstance(assignee, Bot) else agent_answer(assignee) if assignee else None
    )
    newest = event["messages"]
    meta = {
        "sender": contact_answer(world, world.contact_of(conversation)[0]),
        "channel": event["channel"],
        **({"assignee": shown, "assignee_type": _kind(assignee)} if shown else {}),
        "hmac_verified": False,
    }
    dropped = ("account", "channel", "contact_inbox", "meta")
    return {
        **{key: value for key, value in event.items() if key not in dropped},
        "meta": meta,
        "account_id": conversation.account_id,
        "uuid": conversation.uuid,
        "assignee_last_seen_at": int(conversation.agent_last_seen_at),
        "muted": False,
        "first_reply_created_at": int(conversation.first_reply_created_at),
        "last_non_activity_message": newest[0] if newest else None,
        "sla_policy_id": None,
    }
