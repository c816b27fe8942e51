"""One account on one Chatwoot server: its tokens, and requests made with the right one.

The token travels in ``Api-Access-Token``: with the underscores of Chatwoot's documentation nginx drops the
header by default (chatwoot/chatwoot#1057), and the server reads both spellings as the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.chatwoot.answers import CLOSED_TO_BOTS, call_error
from shared.chatwoot.calls import Call, Tokens
from shared.chatwoot.errors import ChatwootDenied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.chatwoot.results import JsonDict
    from shared.platform.clock import Clock, Deadline
    from shared.platform.http import HttpAnswer, HttpClient
    from shared.platform.secret import Secret


@dataclass(frozen=True)
class Request:
    """A call with everything it needs.

    Attributes:
        call: which one.
        path: numbers for the names in the call's path, without the account's.
        body: sent as JSON.
        query: query parameters.
    """

    call: Call
    path: Mapping[str, int]
    body: JsonDict | None = field(default=None, repr=False)
    query: Mapping[str, str] | None = None


class Account:
    """See the module.

    Args:
        http: makes the requests.
        base_url: the server.
        account_id: the account on it.
        user_token: a user's access token.
        bot_token: an agent bot's access token.
        clock: where time comes from.
    """

    def __init__(
        self,
        http: HttpClient,
        base_url: str,
        account_id: int,
        *,
        user_token: Secret | None,
        bot_token: Secret | None,
        clock: Clock,
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self.account_id = account_id
        self.user_token = _sendable(user_token)
        self.bot_token = _sendable(bot_token)
        self.clock = clock
        self._closed_to_bots: set[Call] = set()

    def bot_alone(self) -> Account:
        """The same account without the user's token."""
        return Account(
            self._http,
            self._base_url,
            self.account_id,
            user_token=None,
            bot_token=self.bot_token,
            clock=self.clock,
        )

    def call(self, request: Request, deadline: Deadline) -> HttpAnswer:
        """Make a call that may be made twice, with the token it wants, else with the other one.

        Raises:
            ChatwootDenied: there is no token for it, or none that may make it.
            FrontdeskError: see `shared.chatwoot.answers.call_error`.
        """
        tokens = self._tokens(request.call)
        if not tokens:
            raise ChatwootDenied("there is no token that may make this call", reason="needs_user_token")
        while True:
            token = tokens.pop(0)
            answer = self.send(request, token, deadline)
            error = call_error(answer)
            if error is None:
                return answer
            if not tokens or not self._other_may(request.call, token, error):
                raise error

    def send(self, request: Request, token: Secret, deadline: Deadline) -> HttpAnswer:
        """One request with one token, whatever its answer."""
        numbers = {name: int(value) for name, value in request.path.items()}
        path = request.call.path.format(account_id=int(self.account_id), **numbers)
        return self._http.send(
            request.call.method,
            f"{self._base_url}{path}",
            timeout_seconds=deadline.remaining_seconds(),
            headers={"Api-Access-Token": token.reveal(), "Accept": "application/json"},
            json_body=request.body,
            query=request.query,
        )

    def _tokens(self, call: Call) -> list[Secret]:
        user = [self.user_token] if self.user_token else []
        bot = [self.bot_token] if self.bot_token else []
        if call in self._closed_to_bots and user:
            return user
        match call.tokens:
            case Tokens.USER:
                return user
            case Tokens.BOT:
                return bot or user
            case Tokens.BOT_OR_USER:
                return bot + user
            case Tokens.USER_OR_BOT:
                return user + bot

    def _other_may(self, call: Call, token: Secret, error: Exception) -> bool:
        """Whether a denied call is worth a try with the other token.

        A bot's call goes to the user only where bots may not make it at all: a bot's token that is simply
        wrong is a mistake to be seen, not one to be covered by acting in a person's name.
        """
        if not isinstance(error, ChatwootDenied):
            return False
        if token is self.bot_token and error.reason == CLOSED_TO_BOTS:
            self._closed_to_bots.add(call)
            return True
        return call.tokens is Tokens.USER_OR_BOT


def _sendable(token: Secret | None) -> Secret | None:
    """Refuse what cannot stand in a header, before a library complains and quotes it."""
    if token is None or not token.reveal():
        return None
    if not all("!" <= character <= "~" for character in token.reveal()):
        raise ChatwootDenied("the token holds characters that no token has", reason="token_malformed")
    return token
