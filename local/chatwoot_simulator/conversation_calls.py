"""What the API does with conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, g, jsonify, request

from local.chatwoot_simulator import shapes
from local.chatwoot_simulator.access import body, conversation_of, refuse, truth
from local.chatwoot_simulator.records import STATUSES, Bot

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.chatwoot_simulator.records import Conversation, JsonDict
    from local.chatwoot_simulator.rules import Installation

CONVERSATIONS_PAGE = 25


class ConversationCalls:
    """The calls below ``conversations``, without their messages."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.world = installation.world

    def list_conversations(self) -> JsonDict:
        """``GET conversations``: 25 a page, the liveliest first, open ones unless asked."""
        found = _filtered([one for one in self.world.conversations if one.account_id == g.account.id])
        found.sort(key=lambda one: one.last_activity_at, reverse=True)
        page = max(1, request.args.get("page", 1, int))
        shown = found[(page - 1) * CONVERSATIONS_PAGE : page * CONVERSATIONS_PAGE]
        assigned = sum(one.assignee_id is not None for one in found)
        counts = {
            "mine_count": sum(one.assignee_id == g.caller.id for one in found),
            "assigned_count": assigned,
            "unassigned_count": len(found) - assigned,
            "all_count": len(found),
        }
        rows = [shapes.conversation_answer(self.world, one) for one in shown]
        return {"data": {"meta": counts, "payload": rows}}

    def show_conversation(self, number: int) -> JsonDict:
        """``GET conversations/{id}``."""
        return shapes.conversation_answer(self.world, conversation_of(self.world, number))

    def toggle_status(self, number: int) -> JsonDict:
        """``POST …/toggle_status``: without a status it toggles; one that does not exist is a 500."""
        conversation = conversation_of(self.world, number)
        status = body().get("status") or ("resolved" if conversation.status == "open" else "open")
        if status not in STATUSES:
            refuse(500, {"status": 500, "error": "Internal Server Error"})
        handed_over = isinstance(g.caller, Bot) and (conversation.status, status) == ("pending", "open")
        snoozed_until = float(body().get("snoozed_until") or 0)
        self.installation.set_status(conversation, status, g.caller, snoozed_until)
        payload = {
            "success": None if handed_over else True,
            "conversation_id": conversation.id,
            "current_status": conversation.status,
            "snoozed_until": shapes.iso(conversation.snoozed_until),
        }
        return {"meta": {}, "payload": payload}

    def toggle_typing_status(self, number: int) -> Response:
        """``POST …/toggle_typing_status``: an odd value is a silent 200."""
        conversation = conversation_of(self.world, number)
        wanted = body().get("typing_status")
        if wanted in ("on", "off"):
            private = truth(body().get("is_private"))
            self.installation.typing(conversation, g.caller, on=wanted == "on", private=private)
        return Response(status=200)

    def set_custom_attributes(self, number: int) -> JsonDict:
        """``POST …/custom_attributes``: replaces the whole object."""
        conversation = conversation_of(self.world, number)
        self.installation.change(conversation, custom_attributes=dict(body().get("custom_attributes") or {}))
        return {"custom_attributes": conversation.custom_attributes}

    def list_labels(self, number: int) -> JsonDict:
        """``GET …/labels``."""
        return {"payload": conversation_of(self.world, number).labels}

    def set_labels(self, number: int) -> JsonDict:
        """``POST …/labels``: replaces all."""
        conversation = conversation_of(self.world, number)
        labels = dict.fromkeys(str(one) for one in body().get("labels") or [])
        self.installation.change(conversation, labels=list(labels))
        return {"payload": conversation.labels}

    def assign(self, number: int) -> Response:
        """``POST …/assignments``: somebody unknown unassigns without a word; there are no teams here."""
        conversation = conversation_of(self.world, number)
        wanted, to_bot = body().get("assignee_id"), body().get("assignee_type") == "AgentBot"
        table: list[Any] = self.world.bots if to_bot else self.world.users
        mine = [one for one in table if one.account_id == g.account.id and str(one.id) == str(wanted)]
        ids = {"assignee_id": None, "assignee_agent_bot_id": None}
        if mine:
            ids["assignee_agent_bot_id" if to_bot else "assignee_id"] = mine[0].id
        if "assignee_id" in body():
            self.installation.change(conversation, **ids)
        show = shapes.bot_answer if to_bot else shapes.agent_answer
        return jsonify(show(mine[0]) if mine else None)


def _filtered(conversations: list[Conversation]) -> list[Conversation]:
    status = request.args.get("status", "open")
    inbox_id = request.args.get("inbox_id", type=int)
    kept = [one for one in conversations if status in ("all", one.status)]
    kept = [one for one in kept if inbox_id in (None, one.inbox_id)]
    tests: dict[str, Callable[[Conversation], bool]] = {
        "me": lambda one: one.assignee_id == g.caller.id,
        "assigned": lambda one: one.assignee_id is not None,
        "unassigned": lambda one: one.assignee_id is None,
    }
    wanted = tests.get(request.args.get("assignee_type", "all"))
    return [one for one in kept if wanted is None or wanted(one)]
