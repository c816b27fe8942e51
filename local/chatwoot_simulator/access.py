"""Who calls Chatwoot's API, and what they may not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, g, jsonify, make_response, request

from local.chatwoot_simulator.records import Account, Bot, User

if TYPE_CHECKING:
    from typing import NoReturn

    from local.chatwoot_simulator.records import Conversation, JsonDict, World

# What an agent bot's token may call since Chatwoot 4.14.2, by the name of the view.
BOT_MAY = frozenset(
    {
        "show_conversation",
        "create_message",
        "toggle_status",
        "toggle_typing_status",
        "set_custom_attributes",
        "list_labels",
        "set_labels",
        "assign",
    }
)
ADMINISTRATORS_ONLY = frozenset({"list_webhooks", "create_webhook", "delete_webhook", "set_agent_bot"})


def refuse(status: int, body: JsonDict) -> NoReturn:
    """Answer with an error in Chatwoot's words."""
    abort(make_response(jsonify(body), status))


def missing() -> NoReturn:
    """Answer that something does not exist, or not in this account."""
    refuse(404, {"error": "Resource could not be found"})


def admit(world: World, view: str, account_id: int | None) -> tuple[User | Bot, Account | None]:
    """Who calls, in which account; everybody else is answered here.

    The token stands in ``Api-Access-Token``. A header spelled with underscores never gets this far: the
    server drops it, as nginx does by default.

    Args:
        world: the records.
        view: the name of the view that would answer.
        account_id: from the path; ``None`` for calls outside an account.
    """
    token = request.headers.get("Api-Access-Token")
    if not token:
        refuse(401, {"errors": ["You need to sign in or sign up before continuing."]})
    callers: list[User | Bot] = [*world.users, *world.bots]
    caller = next((one for one in callers if one.token == token), None)
    if caller is None:
        refuse(401, {"error": "Invalid Access Token"})
    if isinstance(caller, Bot) and view not in BOT_MAY:
        refuse(401, {"error": "Access to this endpoint is not authorized for bots"})
    account = None if account_id is None else _account(world, caller, account_id)
    if view in ADMINISTRATORS_ONLY and isinstance(caller, User) and caller.role != "administrator":
        refuse(401, {"error": "You are not authorized to do this action"})
    return caller, account


def _account(world: World, caller: User | Bot, account_id: int) -> Account:
    account = next((one for one in world.accounts if one.id == account_id), None)
    if account is None:
        missing()
    if caller.account_id != account.id:
        bot = "Bot is not authorized to access this account"
        user = "You are not authorized to access this account"
        refuse(401, {"error": bot if isinstance(caller, Bot) else user})
    return account


def truth(value: object) -> bool:
    """A flag as Rails reads it from JSON or a form."""
    return value in (True, "true", "1", 1)


def conversation_of(world: World, number: int) -> Conversation:
    """A conversation of the caller's account by its display id."""
    for one in world.conversations:
        if (one.account_id, one.id) == (g.account.id, number):
            return one
    missing()


def body() -> JsonDict:
    """The request's fields, from JSON or from a form; neither gives an empty object."""
    given: Any = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    return given if isinstance(given, dict) else {}
