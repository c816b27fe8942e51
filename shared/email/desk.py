"""What people see of e-mails and do about them: the list, the story, sending one again on purpose."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from shared.companies.names import company_pk
from shared.email.outbox import read_back, recipients
from shared.email.records import WRITTEN_INDEX, State, digits
from shared.email.sending import worth_until
from shared.platform.clock import from_epoch_milliseconds
from shared.platform.errors import Conflict, InvalidInput, NotFound
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.companies.model import Company
    from shared.email.aftermath import Aftermath
    from shared.email.callbacks.reports import Fate
    from shared.email.ledger import EmailLedger
    from shared.email.outbox import EmailQueue
    from shared.email.records import EmailRecord
    from shared.email.story import Story
    from shared.email.suppression import Suppressions
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

# So many entries of the list are looked at for one page, where a state is asked for.
LOOKED_AT = 1_000
_CURSOR = re.compile(r"\d{14}\.em-[0-9a-f]{32}")
_AGAIN = {State.REJECTED, State.UNKNOWN}


class EmailDesk:
    """Shows e-mails, and sends one again when somebody wants that.

    Args:
        table: the e-mails' table.
        ledger: reads and changes e-mails.
        aftermath: knows what was reported.
        suppressions: which addresses are not written to.
        queue: calls the worker.
        clock: for times.
    """

    def __init__(
        self,
        table: Table,
        ledger: EmailLedger,
        aftermath: Aftermath,
        suppressions: Suppressions,
        queue: EmailQueue,
        clock: Clock,
    ) -> None:
        self._table = table
        self._ledger = ledger
        self._aftermath = aftermath
        self._suppressions = suppressions
        self._queue = queue
        self._clock = clock

    def list(
        self,
        company_id: str,
        limit: int,
        cursor: str | None = None,
        *,
        state: State | None = None,
        fate: Fate | None = None,
        since: datetime | None = None,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A company's e-mails, newest first, and where the next page begins.

        Args:
            company_id: whose.
            limit: at most so many.
            cursor: the second value of the page before.
            state: only those in this state. A page may then be shorter although there are more.
            fate: only those of which this is the gravest that was reported; the same of pages.
            since: only those asked for at this moment or later.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidInput("the cursor is not one that this list gave out", reason="bad_cursor")
        low = digits(since) if since else "0"
        high = _before(cursor) if cursor else "9" * 15
        looked_at = LOOKED_AT if state or fate else limit
        items = self._table.query(
            company_pk(company_id),
            between=(low, high),
            limit=looked_at,
            newest_first=True,
            index=WRITTEN_INDEX,
        )
        fitting = [
            item
            for item in items
            if (state is None or item["state"] == state) and (fate is None or item.get("fate") == fate)
        ]
        page = fitting[:limit]
        more = len(items) == looked_at or len(fitting) > limit
        last = page[-1] if len(fitting) >= limit else (items[-1] if items else None)
        following = last[f"{WRITTEN_INDEX}_sk"].replace("#", ".") if more and last else None
        return [_line(item) for item in page], following

    def state_of(self, company_id: str, email_id: str) -> State:
        """Where an e-mail stands.

        Raises:
            NotFound: there is no such e-mail of this company.
        """
        record = self._ledger.read(company_id, _checked(email_id))
        if record is None:
            raise NotFound("there is no such e-mail")
        return record.state

    def story(self, company_id: str, email_id: str, *, texts: bool) -> dict[str, Any]:
        """Everything that is known of an e-mail.

        Args:
            company_id: whose.
            email_id: which.
            texts: with addresses, words and content.

        Raises:
            NotFound: there is no such e-mail of this company.
        """
        return story_view(self._aftermath.story(company_id, _checked(email_id)), texts=texts)

    def resend(self, company_id: str, company: Company, email_id: str) -> EmailRecord:
        """Send an e-mail again that was not sent, did not arrive anywhere, or of which nobody knows.

        Args:
            company_id: whose.
            company: its document, which says how long an e-mail is worth sending.
            email_id: which.

        Raises:
            NotFound: there is no such e-mail of this company.
            Conflict: it is under way, a provider has it, or everybody it goes to is on the list of addresses
                that are not written to.
            ConditionFailed: something happened to it in the meantime.
        """
        story = self._aftermath.story(company_id, _checked(email_id))
        record = story.record
        only = record.only if record.state in _AGAIN else _sent_in_vain(story)
        everybody = only or recipients(read_back(story.content))
        silenced = self._suppressions.among(company_id, everybody, own=company.staff_email)
        if set(everybody) <= set(silenced):
            raise Conflict(
                "every address of it is on the list of those that are not written to: take it off first",
                reason="suppressed",
            )
        again = self._ledger.resent(record, worth_until(company, record.kind, self._clock.now()), only=only)
        self._queue.send(company_id, email_id)
        count("EmailsResent", kind=record.kind)
        if again.possible_duplicate:
            count("EmailPossibleDuplicates", kind=record.kind)
        log.info("e-mail sent again by a person", email_id=email_id, was=record.state.value)
        return again


def _sent_in_vain(story: Story) -> Sequence[str]:
    """Who is to get an e-mail again that a provider took and that reached nobody.

    Raises:
        Conflict: it may have reached somebody, or is under way.
    """
    state = story.record.state
    if state is State.ACCEPTED and story.reached_nobody():
        return story.taken_for()
    raise Conflict(f"the e-mail is {state}: there is nothing to send again", reason="not_ended")


def story_view(story: Story, *, texts: bool) -> dict[str, Any]:
    """A story as the API tells it."""
    record = story.record
    told: dict[str, Any] = {
        **_summary(record),
        "expires_at": _time(record.ends_at),
        "waits_until": _time(record.waits_until),
        "tried": {
            name: {
                "times": one.count,
                "ended": one.ended,
                "wait_until": _time(one.wait_until),
                "reason": one.reason,
                **({"words": one.words} if texts else {}),
            }
            for name, one in record.tried.items()
        },
        "provider_id": record.provider_id,
        "possible_duplicate": record.possible_duplicate,
        "refused_recipients": len(record.refused),
        "rests": list(record.rests),
        "rest_of": record.rest_of or None,
        "sent_again_at": _time(record.resent_at),
        "unknown_since": _time(record.unknown_since),
        "reports": [
            {"at": _time(one.at), "provider": one.provider, "fate": one.fate.value}
            | ({"address": one.address, "words": one.words} if texts else {})
            for one in story.happened
        ],
    }
    if texts:
        told |= {
            "words": record.words,
            "refused": list(record.refused),
            "left_out": list(record.left_out),
            "only": list(record.only),
            "fates": {address: fate.value for address, fate in story.fates().items()},
            "content": json.loads(story.content),
        }
    return told


def _summary(record: EmailRecord) -> dict[str, Any]:
    return {
        "email_id": record.email_id,
        "kind": record.kind,
        "state": record.state.value,
        "created_at": _time(record.created_at),
        "finished_at": _time(record.finished_at),
        "provider": record.provider,
        "attempts": record.attempts,
        "reason": record.reason,
        "fate": record.fate,
    }


def _line(item: Item) -> dict[str, Any]:
    """An entry of the index; it says the same as `_summary`."""
    finished = item.get("finished_ms")
    return {
        "email_id": item["sk"].removeprefix("email#"),
        "kind": item["kind"],
        "state": item["state"],
        "created_at": _time(from_epoch_milliseconds(item["created_ms"])),
        "finished_at": _time(from_epoch_milliseconds(finished)) if finished else None,
        "provider": item.get("provider", ""),
        "attempts": item.get("attempts", 0),
        "reason": item.get("reason", ""),
        "fate": item.get("fate", ""),
    }


def _before(cursor: str) -> str:
    """The last key before the entry that a page ended with."""
    key = cursor.replace(".", "#")
    return f"{key[:-1]}{chr(ord(key[-1]) - 1)}\U0010ffff"


def _checked(email_id: str) -> str:
    if not re.fullmatch(r"em-[0-9a-f]{32}", email_id):
        raise NotFound("there is no such e-mail")
    return email_id


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None
