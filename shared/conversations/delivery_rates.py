"""How many parts of replies fail at their channel, by inbox: a number that grows before anybody complains.

Counted in windows of a quarter of an hour. An inbox is failing when in the current and the last window more
than one part in twenty failed, and at least three did, so that one failure in a quiet inbox rings no alarm.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.platform.observability import count, log
from shared.platform.tables import Key

if TYPE_CHECKING:
    from datetime import datetime

    from shared.conversations.keys import ContactKey
    from shared.platform.tables import Item, Table

WINDOW_SECONDS = 15 * 60
FAILING_SHARE = 0.05
FEWEST_FAILURES = 3


def count_sent(table: Table, contact: ContactKey, parts: int, now: datetime) -> None:
    """Add parts that Chatwoot took.

    Args:
        table: the conversations table.
        contact: names company, account and inbox.
        parts: how many.
        now: the current moment.
    """
    if not parts:
        return
    try:
        _add(table, contact, "sent", parts, now)
    except (ClientError, BotoCoreError) as failed:
        # The turn is closed: a number that is missing must not make it fail.
        log.warning("sent parts could not be counted", error=type(failed).__name__)


def count_failed(table: Table, contact: ContactKey, channel: str, error: str, now: datetime) -> None:
    """Add a part that failed at its channel, and ring when its inbox is failing.

    Args:
        table: the conversations table.
        contact: names company, account and inbox.
        channel: Chatwoot's channel type.
        error: the provider's words.
        now: the current moment.
    """
    count("PartsFailedAtChannel", channel=channel or "unknown", error=error_kind(error))
    current = _add(table, contact, "failed", 1, now)
    last = table.get(_key(contact, now - timedelta(seconds=WINDOW_SECONDS))) or {}
    failed = current.get("failed", 0) + last.get("failed", 0)
    sent = current.get("sent", 0) + last.get("sent", 0)
    if failed >= FEWEST_FAILURES and failed > sent * FAILING_SHARE:
        count("InboxesFailing")
        log.error("an inbox is failing", inbox=contact.inbox_id, failed=failed, sent=sent)


def error_kind(error: str) -> str:
    """A provider's words as a short name that metrics can group by: its code, else its first words."""
    code = re.search(r"\d{3,}", error)
    if code:
        return code.group()[:10]
    words = re.findall(r"[a-z]+", error.lower())
    return "_".join(words[:4]) or "unknown"


def _add(table: Table, contact: ContactKey, what: str, number: int, now: datetime) -> Item:
    return table.update(
        _key(contact, now),
        "ADD #what :number SET expires_at = :expires",
        values={":number": number, ":expires": int((now + timedelta(days=1)).timestamp())},
        names={"#what": what},
    )


def _key(contact: ContactKey, moment: datetime) -> Key:
    window = int(moment.timestamp() // WINDOW_SECONDS)
    return Key(
        f"company#{contact.company_id}#inbox#{contact.account_id}#{contact.inbox_id}", f"window#{window}"
    )
