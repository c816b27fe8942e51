"""A round, every five minutes: an errand for each connection that is due; then each connection's refresh.

An errand says who, not what: whoever reads it looks at the connection again, so copies and late ones do no
harm, and nothing here is tried again. What could not be renewed has its next attempt's moment in the index.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

from shared.credentials.connections import DUE_INDEX, DUE_SHARDS, due_shard, due_until, margin_ms, names_in
from shared.credentials.errands import RefreshErrand
from shared.platform.clock import Deadline, from_epoch_milliseconds
from shared.platform.observability import bound, count, log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from shared.companies.audit import Audit
    from shared.credentials.refreshing import Refresher, Tools
    from shared.platform.queue_records import QueueRecord
    from shared.platform.tables import Item, Table

# Of one round and partition; what is left over is due in the next.
ERRANDS_PER_SHARD = 2_000
SPREAD_SECONDS = 60
# Two calls of the provider, the writes, and something to spare.
LEAST_SECONDS = 20.0
ACTOR = "frontdesk"


class Errands(Protocol):
    """See `shared.companies.errands.ErrandQueue`."""

    def send(self, errand: RefreshErrand, delay_seconds: int) -> None:
        """Enqueue it."""
        ...


class ReconnectNotice(Protocol):
    """Tells a company's staff that it must connect again."""

    def __call__(self, company_id: str, provider: str, *, reason: str, since: datetime, key: str) -> None:
        """Tell them; the same key again is the same notice, told once and in the same words.

        Args:
            company_id: whose connection it is.
            provider: to what.
            reason: why the permission is no longer valid, as a slug.
            since: when that was found out.
            key: makes it this notice and no other.
        """
        ...


def no_notice(company_id: str, provider: str, *, reason: str, since: datetime, key: str) -> None:
    """Tells nobody: status, health, audit trail and metric say it all the same."""
    del company_id, provider, reason, since, key


class RefreshRounds:
    """The work of ``token_refresh``.

    Args:
        table: the credentials table.
        tools: what tokens are renewed with.
        refresher: renews them.
        errands: takes one errand per connection.
        audit: where it is written down that a company must connect again.
        notice: tells its staff.
        jitter: a number from 0 to 1.
    """

    def __init__(
        self,
        table: Table,
        tools: Tools,
        refresher: Refresher,
        errands: Errands,
        audit: Audit,
        notice: ReconnectNotice = no_notice,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._table = table
        self._tools = tools
        self._refresher = refresher
        self._errands = errands
        self._audit = audit
        self._notice = notice
        self._jitter = jitter

    def send_out(self) -> int:
        """Begin a round; returns how many connections are due."""
        until, sent = due_until(self._tools.rows.now_ms()), 0
        for number in range(DUE_SHARDS):
            found = self._table.query(
                due_shard(number), between=until, limit=ERRANDS_PER_SHARD, index=DUE_INDEX
            )
            for item in found:
                self._errands.send(RefreshErrand(*names_in(item)), int(self._jitter() * SPREAD_SECONDS))
                sent += 1
        log.info("tokens to renew", connections=sent)
        count("TokensDue", sent)
        return sent

    def take_all(self, records: Sequence[QueueRecord], remaining_seconds: float) -> list[str]:
        """Run the errands of a batch, one after another.

        Args:
            records: the batch.
            remaining_seconds: how long the invocation may still take.

        Returns:
            The SQS ids of the records that stay in the queue: what nobody can read, and what broke.
        """
        time_left, staying = Deadline(self._tools.clock, remaining_seconds), []
        for record in records:
            try:
                errand = RefreshErrand.from_json(record.body)
            except ValueError:
                count("UnreadableRecords")
                log.error("a record cannot be read", sqs_id=record.sqs_id)
                staying.append(record.sqs_id)
                continue
            if time_left.remaining_seconds() < LEAST_SECONDS:
                continue  # the next round finds what is still due
            if not self._survived(errand):
                staying.append(record.sqs_id)
        return staying

    def _survived(self, errand: RefreshErrand) -> bool:
        with bound(company_id=errand.company_id):
            try:
                outcome = self._run(errand)
            except Exception as broken:  # noqa: BLE001 - one company must not harm the others
                log.error("a refresh broke", error=type(broken).__name__, provider=errand.provider)
                count("TokenRefreshesBroken")
                return False
        count("RefreshErrands", outcome=outcome)
        return True

    def _run(self, errand: RefreshErrand) -> str:
        """Renew one connection's token; returns how it ended."""
        rows = self._tools.rows
        item = rows.read(errand.company_id, errand.provider)
        if item is None:
            return "gone"
        if item["status"] == "reconnect_required":
            return self._told(item)
        now_ms = rows.now_ms()
        due_ms = max(item.get("access_expires_ms", 0) - margin_ms(item), item.get("next_attempt_ms", 0))
        if item["kind"] != "oauth" or due_ms > now_ms:
            return "not_due"
        lease = rows.lease(item)
        if lease is None:
            return "busy"
        outcome = self._refresher.run(item, lease).outcome
        if outcome == "reconnect_required":
            # The notice is due from now on; there is no reason to let it wait for the next round.
            marked = rows.read(errand.company_id, errand.provider)
            if marked is not None and marked["status"] == "reconnect_required":
                self._told(marked)
        return outcome

    def _told(self, item: Item) -> str:
        """Give the notice that a company must connect again. Told first, noted as told after."""
        if "notice_due" not in item:
            return "reconnect_required"
        company_id, provider = names_in(item)
        reason, since = item["last_error"]["reason"], from_epoch_milliseconds(item["last_error"]["at"])
        key = f"reconnect#{provider}#{item['connected_at']}#{item['version']}"
        self._notice(company_id, provider, reason=reason, since=since, key=key)
        self._audit.record(
            company_id, ACTOR, "connection.reconnect_required", {"provider": provider, "reason": reason}
        )
        self._tools.rows.notice_given(item)
        count("ReconnectNotices", provider=provider)
        return "told"
