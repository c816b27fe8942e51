"""The states of e-mails, each change conditional on the fence of whoever makes it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shared.email.records import (
    WAITING_INDEX,
    State,
    as_record,
    content_key,
    email_key,
    new_items,
    series_key,
    tried_item,
    waiting_keys,
)
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import GiveUp
from shared.platform.observability import log
from shared.platform.tables import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.email.records import EmailRecord, Tried
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

_WAITING = (f"{WAITING_INDEX}_pk", f"{WAITING_INDEX}_sk")
_LONGEST_WORDS = 500


class EmailLedger:
    """Reads and changes e-mails.

    Args:
        table: the e-mails' table.
        clock: for times.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def read(self, company_id: str, email_id: str) -> EmailRecord | None:
        """An e-mail as it is now."""
        item = self._table.get(email_key(company_id, email_id), consistent=True)
        return as_record(item) if item else None

    def content(self, record: EmailRecord) -> str:
        """What is to be sent.

        Raises:
            GiveUp: it is gone: its customer was forgotten.
        """
        item = self._table.get(content_key(record.company_id, record.email_id), consistent=True)
        if item is None:
            raise GiveUp("the e-mail's content is gone", reason="content_gone")
        content: str = item["content"]
        return content

    def overtaken(self, record: EmailRecord) -> bool:
        """Whether there is a newer one that makes it pointless."""
        if record.series is None:
            return False
        newest = self._table.get(series_key(record.company_id, record.series.name), consistent=True)
        return newest is not None and newest["number"] > record.series.number

    def sending(
        self,
        record: EmailRecord,
        provider: str,
        busy_until: datetime,
        *,
        left_out: Sequence[str] = (),
        sent_again: bool = False,
    ) -> EmailRecord:
        """Take it up: from now on until ``busy_until`` it is the caller's.

        Args:
            record: as it is.
            provider: who is asked.
            busy_until: until when.
            left_out: addresses of it that are not written to.
            sent_again: it is sent once more because nobody knows.

        Raises:
            ConditionFailed: somebody else took it up.
        """
        return self._changed(
            record,
            {
                "state": State.SENDING.value,
                "fence": record.fence + 1,
                "provider": provider,
                "busy_until_ms": epoch_milliseconds(busy_until),
                "attempts": record.attempts + 1,
                "left_out": list(left_out),
                "sent_again": record.sent_again or sent_again,
                **waiting_keys(record.email_id, busy_until),
            },
        )

    def queued(self, record: EmailRecord, tried: Mapping[str, Tried], reason: str, words: str) -> EmailRecord:
        """Put it back after a provider certainly did not accept.

        Raises:
            ConditionFailed: somebody else took it up in the meantime.
        """
        # What was sent once more because nobody knew stays unknown: the first try may have arrived. But this
        # one certainly did not, so it is no second copy.
        changes = {
            "state": (State.UNKNOWN if record.unknown_since else State.QUEUED).value,
            "tried": tried_item(tried),
            "sent_again": False,
            "reason": reason,
            "words": words[:_LONGEST_WORDS],
        }
        return self._changed(
            record,
            {**changes, **waiting_keys(record.email_id, self._clock.now())},
            gone=("busy_until_ms",),
        )

    def waiting(self, record: EmailRecord, until: datetime) -> EmailRecord:
        """Note until when it waits, so that the sweep does not think it lost."""
        return self._changed(record, waiting_keys(record.email_id, until))

    def unknown(self, record: EmailRecord, reason: str, *, at: datetime) -> EmailRecord:
        """Nobody knows whether the provider has it.

        Raises:
            ConditionFailed: somebody else took it up in the meantime.
        """
        since = record.unknown_since or at
        return self._changed(
            record,
            {
                "state": State.UNKNOWN.value,
                "unknown_since_ms": epoch_milliseconds(since),
                "reason": reason,
                **waiting_keys(record.email_id, self._clock.now()),
            },
            gone=("busy_until_ms",),
        )

    def left_unknown(self, record: EmailRecord) -> EmailRecord:
        """It stays unknown; only a provider's report changes that now."""
        return self._changed(record, {"reason": record.reason or "unknown"}, gone=_WAITING)

    def split(self, record: EmailRecord, rest_id: str, only: Sequence[str]) -> EmailRecord:
        """Make an e-mail of its own for those of its recipients whom the provider does not take now.

        It waits for the sweep, a quarter of an hour: soon enough for a mailbox that is busy.
        """
        rest = replace(record, email_id=rest_id, state=State.QUEUED, fence=0, tried={}, attempts=0)
        now = self._clock.now()
        fields = {"only": list(only), "part": record.part + 1, **waiting_keys(rest_id, now)}
        try:
            self._table.transact(new_items(rest, self.content(record), **fields))
        except ConditionFailed:
            log.info("the rest of an e-mail stands there already", email_id=record.email_id)
        return record

    def accepted(
        self, record: EmailRecord, provider_id: str, refused: Sequence[str] = (), *, rest: str = ""
    ) -> EmailRecord:
        """A provider has it. Whoever lost it to another worker says so as well: it is proof for that one.

        Args:
            record: as it was taken up.
            provider_id: the provider's name for it.
            refused: recipients that it does not bring it to.
            rest: the e-mail that goes to those of them who may be reached later.
        """
        changes = {
            "state": State.ACCEPTED.value,
            "provider_id": provider_id,
            "refused": list(refused),
            "rest": rest,
            "finished_ms": epoch_milliseconds(self._clock.now()),
            "reason": "",
        }
        try:
            return self._changed(record, changes, gone=(*_WAITING, "busy_until_ms"))
        except ConditionFailed:
            log.warning("e-mail accepted after another worker took it up", email_id=record.email_id)
            item = self._table.update(
                email_key(record.company_id, record.email_id),
                "SET proven = :yes, provider_id = :provider_id, refused = :refused, rest = :rest",
                "attribute_exists(pk)",
                values={
                    ":yes": True,
                    ":provider_id": provider_id,
                    ":refused": list(refused),
                    ":rest": rest,
                },
            )
            return as_record(item)

    def ended(self, record: EmailRecord, reason: str, words: str) -> EmailRecord:
        """It is not sent any more: ``REJECTED``, or still ``UNKNOWN`` where an earlier try may have arrived.

        Raises:
            ConditionFailed: somebody else took it up in the meantime.
        """
        if record.unknown_since:
            why = {"state": State.UNKNOWN.value, "reason": reason, "words": words[:_LONGEST_WORDS]}
            return self._changed(record, why, gone=(*_WAITING, "busy_until_ms"))
        changes = {
            "state": State.REJECTED.value,
            "reason": reason,
            "words": words[:_LONGEST_WORDS],
            "finished_ms": epoch_milliseconds(self._clock.now()),
        }
        return self._changed(record, changes, gone=(*_WAITING, "busy_until_ms"))

    def resent(self, record: EmailRecord, ends_at: datetime) -> EmailRecord:
        """Put an e-mail that was not sent, or of which nobody knows, back as if it were new.

        It keeps its Message-ID: where the first copy arrived after all, mail programs show both as one.

        Raises:
            ConditionFailed: something happened to it in the meantime.
        """
        now = self._clock.now()
        changes = {
            "state": State.QUEUED.value,
            "fence": record.fence + 1,
            "tried": {},
            "sent_again": False,
            "proven": False,
            # Two copies may be on their way from now on, whatever becomes of this one.
            "maybe_twice": record.possible_duplicate or record.state is State.UNKNOWN,
            "reason": "",
            "words": "",
            "ends_ms": epoch_milliseconds(ends_at),
            **waiting_keys(record.email_id, now),
        }
        return self._changed(record, changes, gone=("unknown_since_ms", "finished_ms", "busy_until_ms"))

    def _changed(
        self, record: EmailRecord, changes: Mapping[str, Any], gone: tuple[str, ...] = ()
    ) -> EmailRecord:
        names = {f"#{name}": name for name in (*changes, *gone)}
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        removes = f" REMOVE {', '.join(f'#{name}' for name in gone)}" if gone else ""
        item = self._table.update(
            email_key(record.company_id, record.email_id),
            f"SET {sets}{removes}",
            "#fence_now = :fence_now AND #state_now = :state_now",
            values={
                **{f":{name}": value for name, value in changes.items()},
                ":fence_now": record.fence,
                ":state_now": record.state.value,
            },
            names={**names, "#fence_now": "fence", "#state_now": "state"},
        )
        return as_record(item)
