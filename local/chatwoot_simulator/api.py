"""The part of Chatwoot's API that Frontdesk calls: ``/api/v1``. Everything else answers 501."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g

from local.chatwoot_simulator.access import admit
from local.chatwoot_simulator.account_calls import AccountCalls
from local.chatwoot_simulator.conversation_calls import ConversationCalls
from local.chatwoot_simulator.message_calls import MessageCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from local.chatwoot_simulator.rules import Installation

_ACCOUNT = "/accounts/<int:account_id>"
_CONVERSATION = f"{_ACCOUNT}/conversations/<int:number>"
# Method, path, and the method of one of the classes below that answers.
CALLS = (
    ("GET", f"{_ACCOUNT}/conversations", "list_conversations"),
    ("GET", _CONVERSATION, "show_conversation"),
    ("POST", f"{_CONVERSATION}/toggle_status", "toggle_status"),
    ("POST", f"{_CONVERSATION}/toggle_typing_status", "toggle_typing_status"),
    ("POST", f"{_CONVERSATION}/custom_attributes", "set_custom_attributes"),
    ("GET", f"{_CONVERSATION}/labels", "list_labels"),
    ("POST", f"{_CONVERSATION}/labels", "set_labels"),
    ("POST", f"{_CONVERSATION}/assignments", "assign"),
    ("GET", f"{_CONVERSATION}/messages", "list_messages"),
    ("POST", f"{_CONVERSATION}/messages", "create_message"),
    ("DELETE", f"{_CONVERSATION}/messages/<int:message_id>", "delete_message"),
    ("GET", "/profile", "profile"),
    ("GET", f"{_ACCOUNT}/contacts/<int:number>", "show_contact"),
    ("GET", f"{_ACCOUNT}/inboxes", "list_inboxes"),
    ("GET", f"{_ACCOUNT}/inboxes/<int:number>", "show_inbox"),
    ("POST", f"{_ACCOUNT}/inboxes/<int:number>/set_agent_bot", "set_agent_bot"),
    ("GET", f"{_ACCOUNT}/agent_bots", "list_agent_bots"),
    ("GET", f"{_ACCOUNT}/webhooks", "list_webhooks"),
    ("POST", f"{_ACCOUNT}/webhooks", "create_webhook"),
    ("DELETE", f"{_ACCOUNT}/webhooks/<int:number>", "delete_webhook"),
)


def api(installation: Installation) -> Blueprint:
    """The routes of one installation. A call holds the records' lock from the token's check to its answer."""
    groups = (ConversationCalls(installation), MessageCalls(installation), AccountCalls(installation))
    routes = Blueprint("api", __name__, url_prefix="/api/v1")
    for method, path, name in CALLS:
        call = next(getattr(group, name) for group in groups if hasattr(group, name))
        routes.add_url_rule(path, name, _admitted(installation, name, call), methods=[method])
    return routes


def _admitted(
    installation: Installation, name: str, call: Callable[..., ResponseReturnValue]
) -> Callable[..., ResponseReturnValue]:
    def view(account_id: int | None = None, **numbers: int) -> ResponseReturnValue:
        with installation.world.lock:
            g.caller, g.account = admit(installation.world, name, account_id)
            return call(**numbers)

    return view
