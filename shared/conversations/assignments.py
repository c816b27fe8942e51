"""Whether Chatwoot assigns an inbox's conversations by itself, read again when it decides something.

It is read when a company connects, and people change it afterwards. Where an assignee is all there is to
tell whether a person is in charge, what was read must not be older than a day.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import FrontdeskError
from shared.platform.observability import log

if TYPE_CHECKING:
    from shared.chatwoot.client import ChatwootClient
    from shared.companies.connection import ChatwootConnection
    from shared.conversations.case import Case
    from shared.conversations.desk import Desk
    from shared.platform.clock import Deadline

_DAY_MS = 24 * 3600 * 1000
_LOOK_SECONDS = 5.0


def with_fresh_rules(case: Case, desk: Desk, chatwoot: ChatwootClient, deadline: Deadline) -> Case:
    """The same case, its connection read again where that is due.

    Args:
        case: what is known.
        desk: the tools of a turn.
        chatwoot: the account.
        deadline: when it must be over. What cannot be read stays as it was known.
    """
    now_ms = epoch_milliseconds(desk.clock.now())
    if not (_decides(case) and _is_old(case.connection, now_ms)):
        return case
    try:
        listed = chatwoot.inboxes(timeout_seconds=deadline.within(_LOOK_SECONDS))
    except FrontdeskError as unknown:
        log.warning("which inboxes assign by themselves could not be read", reason=unknown.reason)
        return case
    assigning = {str(inbox.id): inbox.auto_assignment for inbox in listed}
    fresh = replace(case.connection, auto_assignment=assigning, inboxes_read_at=now_ms)
    desk.companies.inboxes_read(case.company_id, fresh)
    return replace(case, connection=fresh)


def _decides(case: Case) -> bool:
    """Whether it matters here whether somebody, or Chatwoot, made the assignment."""
    if case.company.takeover.assignment_means_takeover != "auto" or case.people.status == "pending":
        return False
    return case.people.assignee_id is not None and case.people.assignee_kind.lower() == "user"


def _is_old(connection: ChatwootConnection, now_ms: int) -> bool:
    read_at = max(connection.inboxes_read_at, connection.connected_at)
    return bool(connection.capabilities.get("list_inboxes")) and now_ms - read_at >= _DAY_MS
