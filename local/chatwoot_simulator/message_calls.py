"""What the API does with messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, g, request

from local.chatwoot_simulator import shapes
from local.chatwoot_simulator.access import body, conversation_of, missing, refuse, truth
from local.chatwoot_simulator.records import ACTIVITY, INCOMING, MESSAGE_TYPES, OUTGOING
from local.chatwoot_simulator.rules import Draft, Installation, Refused

if TYPE_CHECKING:
    from local.chatwoot_simulator.records import Bot, Contact, Conversation, JsonDict, Message, User

PAGE, AFTER_PAGE, BETWEEN_PAGE = 20, 100, 1000


class MessageCalls:
    """The calls below ``conversations/{id}/messages``."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.world = installation.world

    def list_messages(self, number: int) -> JsonDict:
        """``GET …/messages``."""
        conversation = conversation_of(self.world, number)
        shown = _page(self.world.conversation_messages(conversation))
        meta = {
            "labels": conversation.labels,
            "additional_attributes": conversation.additional_attributes,
            "contact": shapes.nested_sender(self.world.contact_of(conversation)[0]),
            "agent_last_seen_at": shapes.iso(conversation.agent_last_seen_at),
            "assignee_last_seen_at": shapes.iso(conversation.agent_last_seen_at),
        }
        assignee = shapes.assignee_of(self.world, conversation)
        if assignee is not None:
            meta["assignee"] = shapes.nested_sender(assignee)
        return {"meta": meta, "payload": [shapes.message_answer(self.world, one) for one in shown]}

    def create_message(self, number: int) -> JsonDict:
        """``POST …/messages``: 200 means stored; the delivery comes later."""
        if request.files:
            refuse(501, {"error": "The simulator takes no attachments"})
        conversation = conversation_of(self.world, number)
        given = body()
        try:
            message = self.installation.add_message(conversation, self._draft(conversation, given))
        except Refused as error:
            refuse(422, {"error": str(error)})
        answer = shapes.message_answer(self.world, message)
        return {**answer, "echo_id": given["echo_id"]} if given.get("echo_id") else answer

    def delete_message(self, number: int, message_id: int) -> Response:
        """``DELETE …/messages/{id}``."""
        conversation = conversation_of(self.world, number)
        messages = self.world.conversation_messages(conversation)
        message = next((one for one in messages if one.id == message_id), None)
        if message is None:
            missing()
        self.installation.delete_message(conversation, message)
        return Response(status=200)

    def _draft(self, conversation: Conversation, given: JsonDict) -> Draft:
        kind = given.get("message_type") or "outgoing"
        if kind not in MESSAGE_TYPES:
            raise Refused(f"'{kind}' is not a valid message_type")
        if kind == "incoming" and self.world.inbox_of(conversation).channel_type != "Channel::Api":
            raise Refused("Incoming messages are only allowed in Api inboxes")
        attributes = given.get("content_attributes")
        return Draft(
            content=given.get("content"),
            sender=self._sender(conversation, given, incoming=kind == "incoming"),
            message_type=INCOMING if kind == "incoming" else OUTGOING,
            private=truth(given.get("private")),
            content_type=given.get("content_type") or "text",
            content_attributes=attributes if isinstance(attributes, dict) else {},
            source_id=given.get("source_id"),
        )

    def _sender(self, conversation: Conversation, given: JsonDict, *, incoming: bool) -> Contact | User | Bot:
        caller: User | Bot = g.caller
        if incoming:
            return self.world.contact_of(conversation)[0]
        if given.get("sender_type") != "AgentBot":
            return caller
        # A user may post in a bot's name; the message is then nobody's human reply.
        named = [one for one in self.world.bots if str(one.id) == str(given.get("sender_id"))]
        return next((one for one in named if one.account_id == conversation.account_id), caller)


def _page(messages: list[Message]) -> list[Message]:
    """Chatwoot's paging: the newest 20, before an id, 100 after an id, or between two, the first included."""
    after, before = (request.args.get(name, type=int) for name in ("after", "before"))
    if truth(request.args.get("filter_internal_messages")):
        messages = [one for one in messages if not one.private and one.message_type != ACTIVITY]
    if after is not None and before is not None:
        return [one for one in messages if after <= one.id < before][:BETWEEN_PAGE]
    if after is not None:
        return [one for one in messages if one.id > after][:AFTER_PAGE]
    if before is not None:
        return [one for one in messages if one.id < before][-PAGE:]
    return messages[-PAGE:]
