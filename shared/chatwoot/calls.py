"""The calls that we make, as data: method, path, and which token may make them.

What an agent bot's token may do is a list in Chatwoot (``AccessTokenAuthHelper``) that grew over time. Where
the bot may do something since long ago, the bot does it: its posts and status changes do not count as a
person's. Where it may only since recently, and for reading, the user token goes first, because it works with
every version.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Tokens(Enum):
    """Whose token a call is made with, in order of preference."""

    BOT = "the bot's where there is one, else the user's"
    BOT_OR_USER = "the bot's; the user's where this Chatwoot does not let bots do it"
    USER_OR_BOT = "the user's; the bot's where there is none or it is denied"
    USER = "the user's only: Chatwoot never lets bots do it"


@dataclass(frozen=True)
class Call:
    """One kind of call.

    Attributes:
        method: HTTP method.
        path: with names in braces.
        tokens: whose token.
    """

    method: str
    path: str
    tokens: Tokens


_ACCOUNT = "/api/v1/accounts/{account_id}"
_CONVERSATION = f"{_ACCOUNT}/conversations/{{conversation_id}}"

POST_MESSAGE = Call("POST", f"{_CONVERSATION}/messages", Tokens.BOT)
SET_STATUS = Call("POST", f"{_CONVERSATION}/toggle_status", Tokens.BOT)
ASSIGN = Call("POST", f"{_CONVERSATION}/assignments", Tokens.USER_OR_BOT)
TYPING = Call("POST", f"{_CONVERSATION}/toggle_typing_status", Tokens.BOT_OR_USER)  # bots since 4.12.0
SHOW_CONVERSATION = Call("GET", _CONVERSATION, Tokens.USER_OR_BOT)  # bots since 4.14.2
LIST_LABELS = Call("GET", f"{_CONVERSATION}/labels", Tokens.USER_OR_BOT)  # bots since 4.14.2
SET_LABELS = Call("POST", f"{_CONVERSATION}/labels", Tokens.USER_OR_BOT)  # bots since 4.14.2
LIST_MESSAGES = Call("GET", f"{_CONVERSATION}/messages", Tokens.USER)
LIST_CONVERSATIONS = Call("GET", f"{_ACCOUNT}/conversations", Tokens.USER)
LIST_INBOXES = Call("GET", f"{_ACCOUNT}/inboxes", Tokens.USER)
LIST_AGENT_BOTS = Call("GET", f"{_ACCOUNT}/agent_bots", Tokens.USER)
LIST_WEBHOOKS = Call("GET", f"{_ACCOUNT}/webhooks", Tokens.USER)  # administrators
ADD_WEBHOOK = Call("POST", f"{_ACCOUNT}/webhooks", Tokens.USER)  # administrators
CHANGE_WEBHOOK = Call("PATCH", f"{_ACCOUNT}/webhooks/{{webhook_id}}", Tokens.USER)  # administrators
DELETE_WEBHOOK = Call("DELETE", f"{_ACCOUNT}/webhooks/{{webhook_id}}", Tokens.USER)  # administrators
PROFILE = Call("GET", "/api/v1/profile", Tokens.USER)
