"""What the API does with the account: people, inboxes, bots, webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, g, jsonify

from local.chatwoot_simulator import shapes
from local.chatwoot_simulator.access import body, missing, refuse
from local.chatwoot_simulator.records import Webhook

if TYPE_CHECKING:
    from local.chatwoot_simulator.records import Inbox, JsonDict
    from local.chatwoot_simulator.rules import Installation

EVENTS = (
    "conversation_created",
    "conversation_updated",
    "conversation_status_changed",
    "message_created",
    "message_updated",
    "webwidget_triggered",
    "contact_created",
    "contact_updated",
    "conversation_typing_on",
    "conversation_typing_off",
    "inbox_created",
    "inbox_updated",
)


class AccountCalls:
    """The calls that are not about conversations."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.world = installation.world

    def profile(self) -> JsonDict:
        """``GET /api/v1/profile``: who the token belongs to."""
        user = shapes.agent_answer(g.caller)
        account = {**shapes.account_ref(self.world, g.caller.account_id), "role": g.caller.role}
        return {**user, "access_token": g.caller.token, "type": None, "accounts": [account]}

    def show_contact(self, number: int) -> JsonDict:
        """``GET contacts/{id}``."""
        mine = [one for one in self.world.contacts if (one.account_id, one.id) == (g.account.id, number)]
        if not mine:
            missing()
        links = [one for one in self.world.contact_inboxes if one.contact_id == number]
        inboxes = {one.id: one for one in self.world.inboxes}
        rows = [{"source_id": one.source_id, "inbox": _inbox_ref(inboxes[one.inbox_id])} for one in links]
        return {"payload": {**shapes.contact_answer(self.world, mine[0]), "contact_inboxes": rows}}

    def list_inboxes(self) -> JsonDict:
        """``GET inboxes``."""
        mine = [one for one in self.world.inboxes if one.account_id == g.account.id]
        return {"payload": [shapes.inbox_answer(one) for one in mine]}

    def show_inbox(self, number: int) -> JsonDict:
        """``GET inboxes/{id}``."""
        return shapes.inbox_answer(self._inbox(number))

    def set_agent_bot(self, number: int) -> Response:
        """``POST inboxes/{id}/set_agent_bot``: new conversations there begin pending."""
        wanted = body().get("agent_bot")
        self._inbox(number).bot_id = int(wanted) if wanted else None
        return Response(status=200)

    def list_agent_bots(self) -> Response:
        """``GET agent_bots``: with tokens and secrets for administrators."""
        mine = [one for one in self.world.bots if one.account_id == g.account.id]
        rows: list[JsonDict] = [{**shapes.bot_answer(one), "account_id": one.account_id} for one in mine]
        if g.caller.role == "administrator":
            for row, bot in zip(rows, mine, strict=True):
                row |= {"access_token": bot.token, "secret": bot.secret, "system_bot": False}
        return jsonify(rows)

    def list_webhooks(self) -> JsonDict:
        """``GET webhooks``."""
        mine = [shapes.webhook_answer(one) for one in self.world.webhooks if one.account_id == g.account.id]
        return {"payload": {"webhooks": mine}}

    def create_webhook(self) -> JsonDict:
        """``POST webhooks``: Chatwoot chooses the secret and shows it in the answer."""
        given = body().get("webhook") or body()
        url, wanted = str(given.get("url") or ""), list(given.get("subscriptions") or [])
        if not url.startswith(("http://", "https://")):
            refuse(422, {"message": "Url is invalid", "attributes": ["url"]})
        if any((one.account_id, one.url) == (g.account.id, url) for one in self.world.webhooks):
            refuse(422, {"message": "Url has already been taken", "attributes": ["url"]})
        if not wanted or not set(wanted) <= set(EVENTS):
            refuse(422, {"message": "Subscriptions Invalid events", "attributes": ["subscriptions"]})
        webhook = Webhook(self.world.next_id("webhook"), g.account.id, url, wanted, given.get("name"))
        self.world.webhooks.append(webhook)
        return {"payload": {"webhook": shapes.webhook_answer(webhook)}}

    def delete_webhook(self, number: int) -> Response:
        """``DELETE webhooks/{id}``."""
        mine = [one for one in self.world.webhooks if (one.account_id, one.id) == (g.account.id, number)]
        if not mine:
            missing()
        self.world.webhooks.remove(mine[0])
        return Response(status=200)

    def _inbox(self, number: int) -> Inbox:
        mine = [one for one in self.world.inboxes if (one.account_id, one.id) == (g.account.id, number)]
        return mine[0] if mine else missing()


def _inbox_ref(inbox: Inbox) -> JsonDict:
    answer = shapes.inbox_answer(inbox)
    return {
        key: answer[key] for key in ("id", "avatar_url", "channel_id", "name", "channel_type", "provider")
    }
