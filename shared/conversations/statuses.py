"""Setting a conversation's status in Chatwoot without assigning it to ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shared.platform.errors import FrontdeskError
from shared.platform.observability import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.chatwoot.client import ChatwootClient, Status
    from shared.companies.connection import ChatwootConnection


def set_status(
    chatwoot: ChatwootClient,
    connection: ChatwootConnection,
    conversation_id: int,
    status: str,
    seconds: Callable[[], float],
) -> None:
    """Set a status; setting it again changes nothing.

    Args:
        chatwoot: the account.
        connection: says which tokens there are.
        conversation_id: the conversation's display id.
        status: open, pending …
        seconds: how long the next call may take.

    Raises:
        RetryLater: Chatwoot does not answer now.
        GiveUp: it refuses.
    """
    chatwoot.set_status(conversation_id, cast("Status", status), timeout_seconds=seconds())
    if status == "open" and not connection.has_bot_token:
        _let_go(chatwoot, connection, conversation_id, seconds)


def _let_go(
    chatwoot: ChatwootClient,
    connection: ChatwootConnection,
    conversation_id: int,
    seconds: Callable[[], float],
) -> None:
    """Chatwoot assigns a conversation to the agent whose token opens it; here that is no person."""
    try:
        found = chatwoot.conversation(conversation_id, timeout_seconds=seconds())
        if found.assignee_id is not None and found.assignee_id == connection.user_id:
            chatwoot.unassign(conversation_id, timeout_seconds=seconds())
    except FrontdeskError as failed:
        log.warning("the conversation may be assigned to the desk's own user", reason=failed.reason)
