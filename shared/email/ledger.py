"""The states of e-mails, each change conditional on the fence of whoever makes it."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from shared.email.records import (
    WAITING_INDEX,
    State,
    as_record,
    content_key,
    email_key,
    series_key,
    tried_item,
    waiting_keys,
)
from shared.email.rests import items_of
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import GiveUp
from shared.platform.observability import log
from shared.platform.tables import Check, ConditionFailed, Put, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from shared.email.records import EmailRecord, Tried
    from shared.email.rests import Rest
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

_WAITING = (f"{WAITING_INDEX}_pk", f"{WAITING_INDEX}_sk")
_LONGEST_WORDS = 500


def _anew(now: datetime) -> dict[str, int]:
    """From when on reports speak of what is sent now: what they say of the time before is settled.

    Not where nobody knew: there a late report still says that the first copy arrived. Providers tell times in
    whole seconds.
    """
    return {"resent_ms": epoch_milliseconds(now.replace(microsecond=0))}


class EmailLedger:
    """Reads and changes e-mails.

    Args:
        table: the e-mails' table.
        clock: for times.
        new_owner: makes a name that nobody else has, for who takes an e-mail up.
    """

    def __init__(
        self, table: Table, clock: Clock, new_owner: Callable[[], str] = lambda: uuid.uuid4().hex
    ) -> None:
        self._table = table
        self._clock = clock
        self._new_owner = new_owner

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
        return newest is not None and newest["newest"] > record.series.number

    def sending(
        self,
        record: EmailRecord,
        provider: str,
        busy_until: datetime,
        *,
        left_out: Sequence[str] = (),
        sent_again: bool = False,
        message_id: str = "",
    ) -> EmailRecord:
        """Take it up: from now on until ``busy_until`` it is the caller's.

        Args:
            record: as it is.
            provider: who is asked.
            busy_until: until when.
            left_out: addresses of it that are not written to.
            sent_again: it is sent once more because nobody knows.
            message_id: the one that it goes out under; once written it stays.

        Raises:
            ConditionFailed: somebody else took it up.
        """
        owner = self._new_owner()
        changes = {
            "state": State.SENDING.value,
            "fence": record.fence + 1,
            "owner": owner,
            "provider": provider,
            "busy_until_ms": epoch_milliseconds(busy_until),
            "attempts": record.attempts + 1,
            "left_out": list(left_out),
            "sent_again": record.sent_again or sent_again,
            "message_id": record.message_id or message_id,
            **waiting_keys(record.email_id, busy_until),
        }
        try:
            return self._changed(record, changes)
        except ConditionFailed as failed:
            # The SDK writes again where an answer was lost: then who was there first is the caller itself.
            if failed.item is None or failed.item.get("owner") != owner:
                raise
            return as_record(failed.item)

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

    def waiting(self, record: EmailRecord, until: datetime, **why: str) -> EmailRecord:
        """Note until when it waits, so that the sweep does not think it lost.

        Args:
            record: as it is.
            until: the moment.
            why: ``reason`` and ``words``, where they are other ones than before.
        """
        return self._changed(record, {**waiting_keys(record.email_id, until), **why})

    def unknown(self, record: EmailRecord, reason: str, words: str, *, at: datetime) -> EmailRecord:
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
                "words": words[:_LONGEST_WORDS],
                **waiting_keys(record.email_id, self._clock.now()),
            },
            gone=("busy_until_ms",),
        )

    def left_unknown(self, record: EmailRecord) -> EmailRecord:
        """It stays unknown; only a provider's report changes that now.

        Raises:
            ConditionFailed: somebody else took it up in the meantime, or a report came.
        """
        return self._changed(
            record,
            {"reason": record.reason or "unknown", "left": True},
            gone=_WAITING,
            unless_proven=True,
        )

    def accepted(
        self,
        record: EmailRecord,
        provider_id: str,
        refused: Sequence[str] = (),
        *,
        rests: Sequence[Rest] = (),
    ) -> EmailRecord:
        """A provider has it. Whoever lost it to another worker says so as well: it is proof for that one.

        Args:
            record: as it was taken up.
            provider_id: the provider's name for it.
            refused: recipients that it does not bring it to.
            rests: those of them who may still be reached, for whom e-mails of their own are made with this.

        Raises:
            ConditionFailed: it is gone: its customer was forgotten.
        """
        named = {"rests": [rest.email_id for rest in rests]} if rests else {}
        changes = {
            "state": State.ACCEPTED.value,
            "provider_id": provider_id,
            "refused": list(refused),
            "finished_ms": epoch_milliseconds(self._clock.now()),
            "reason": "",
            "words": "",
            **named,
        }
        try:
            return self._changed_with(record, changes, self._made_of(record, rests))
        except ConditionFailed:
            log.warning("e-mail accepted after another worker took it up", email_id=record.email_id)
        known = {"proven": True, "provider_id": provider_id, "refused": list(refused), **named}
        # Whoever has it now may send it again, to these recipients as well.
        return self._proven(record, known, self._made_of(replace(record, maybe_twice=True), rests))

    def _made_of(self, record: EmailRecord, rests: Sequence[Rest]) -> list[list[Put]]:
        """The items of each e-mail for those whom the provider does not take."""
        if not rests:
            return []
        try:
            content = self.content(record)
        except GiveUp:
            return []  # the e-mail is gone as well, which the write beside this one tells
        return [items_of(record, rest, content, self._clock.now()) for rest in rests]

    def _changed_with(
        self, record: EmailRecord, changes: Mapping[str, Any], also: Sequence[list[Put]]
    ) -> EmailRecord:
        gone = (*_WAITING, "busy_until_ms")
        if not also:
            return self._changed(record, changes, gone=gone)
        self._table.transact([self._change(record, changes, gone), *chain.from_iterable(also)])
        return self._again(record)

    def _proven(
        self, record: EmailRecord, known: Mapping[str, Any], also: Sequence[list[Put]]
    ) -> EmailRecord:
        sets = ", ".join(f"#{name} = :{name}" for name in known)
        change = Update(
            email_key(record.company_id, record.email_id),
            f"SET {sets}",
            "attribute_exists(pk)",
            {f":{name}": value for name, value in known.items()},
            {f"#{name}": name for name in known},
        )
        try:
            self._table.transact([change, *chain.from_iterable(also)])
        except ConditionFailed:
            if not also:
                raise
            # A rest stands there already, or the e-mail is gone, which the next line tells.
            self._table.transact([change])
            there = Check(change.key, "attribute_exists(pk)")
            for items in also:
                with suppress(ConditionFailed):
                    self._table.transact([there, *items])
        found = self._again(record)
        if found.state is not State.UNKNOWN or not found.left:
            return found  # whoever is at it, or comes next, finds the proof
        accepted = {"state": State.ACCEPTED.value, "finished_ms": epoch_milliseconds(self._clock.now())}
        return self._changed(found, {**accepted, "reason": ""})

    def _again(self, record: EmailRecord) -> EmailRecord:
        found = self.read(record.company_id, record.email_id)
        if found is None:
            raise ConditionFailed
        return found

    def ended(
        self, record: EmailRecord, reason: str, words: str, *, certainly_not_taken: bool = False
    ) -> EmailRecord:
        """It is not sent any more: ``REJECTED``, or still ``UNKNOWN`` where an earlier try may have arrived.

        Args:
            record: as it is.
            reason: why.
            words: a provider's, or ours.
            certainly_not_taken: the try that was just made was refused: it is no second copy.

        Raises:
            ConditionFailed: somebody else took it up in the meantime, or a report came.
        """
        doubtful = record.unknown_since is not None or record.maybe_twice
        now = epoch_milliseconds(self._clock.now())
        changes = {
            "state": (State.UNKNOWN if doubtful else State.REJECTED).value,
            "reason": reason,
            "words": words[:_LONGEST_WORDS],
            **({"sent_again": False} if certainly_not_taken else {}),
            **({"left": True} if doubtful else {"finished_ms": now}),
        }
        return self._changed(record, changes, gone=(*_WAITING, "busy_until_ms"), unless_proven=True)

    def resent(
        self, record: EmailRecord, ends_at: datetime, *, only: Sequence[str] | None = None
    ) -> EmailRecord:
        """Put an e-mail that was not sent, or of which nobody knows, back as if it were new.

        It keeps its Message-ID: where the first copy arrived after all, mail programs show both as one.

        Args:
            record: as it is.
            ends_at: until when it is worth sending.
            only: to whom of its recipients; ``None``: to the same ones.

        Raises:
            ConditionFailed: something happened to it in the meantime.
        """
        now = self._clock.now()
        changes = {
            "state": State.QUEUED.value,
            "left": False,
            "fence": record.fence + 1,
            "tried": {},
            "sent_again": False,
            "proven": False,
            # Two copies may be on their way from now on, whatever becomes of this one.
            "maybe_twice": record.possible_duplicate or record.state is State.UNKNOWN,
            "reason": "",
            "words": "",
            "ends_ms": epoch_milliseconds(ends_at),
            "only": list(record.only if only is None else only),
            "refused": [],
            "rests": [],
            **({} if record.state is State.UNKNOWN else _anew(now)),
            **waiting_keys(record.email_id, now),
        }
        gone = ("unknown_since_ms", "finished_ms", "busy_until_ms", "fate", "fate_rank")
        return self._changed(record, changes, gone=gone)

    def _changed(
        self,
        record: EmailRecord,
        changes: Mapping[str, Any],
        gone: tuple[str, ...] = (),
        *,
        unless_proven: bool = False,
    ) -> EmailRecord:
        change = self._change(record, changes, gone, unless_proven=unless_proven)
        item = self._table.update(
            change.key, change.expression, change.condition, values=change.values, names=change.names
        )
        return as_record(item)

    def _change(
        self,
        record: EmailRecord,
        changes: Mapping[str, Any],
        gone: tuple[str, ...] = (),
        *,
        unless_proven: bool = False,
    ) -> Update:
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        removes = f" REMOVE {', '.join(f'#{name}' for name in gone)}" if gone else ""
        condition = "#fence_now = :fence_now AND #state_now = :state_now"
        values = {":fence_now": record.fence, ":state_now": record.state.value}
        if unless_proven:
            condition += " AND (attribute_not_exists(proven) OR proven = :unproven)"
            values[":unproven"] = False
        return Update(
            email_key(record.company_id, record.email_id),
            f"SET {sets}{removes}",
            condition,
            values={**{f":{name}": value for name, value in changes.items()}, **values},
            names={
                **{f"#{name}": name for name in (*changes, *gone)},
                "#fence_now": "fence",
                "#state_now": "state",
            },
        )
