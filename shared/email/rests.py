"""Copies of an e-mail for recipients whom a server did not take, beside others that it took.

Who is refused for now is written to again by the same provider; who is refused for what we are (relaying,
policy), by the others. A copy has the headers and the Message-ID of the first: only who gets it differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.email.outbox import email_id_of
from shared.email.providers.contract import RECIPIENTS
from shared.email.records import LOST_AFTER, State, Tried, new_items, tried_item, waiting_keys
from shared.platform.clock import epoch_milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.email.providers.contract import Refusal
    from shared.email.records import EmailRecord
    from shared.platform.tables import Put

# Recipients are written to again so often.
MOST_PARTS = 3
# Where nobody else can bring it to them either, this is why.
_TURNED_AWAY = "the server takes it for others, but not for these recipients from here"


@dataclass(frozen=True)
class Rest:
    """Recipients of an e-mail who may still be reached, and the e-mail that is made for them.

    Args:
        email_id: its id.
        addresses: theirs.
        not_by: the provider that will not bring it to them; empty: any may.
    """

    email_id: str
    addresses: tuple[str, ...]
    not_by: str = ""


def rests_of(record: EmailRecord, provider: str, refused: Sequence[Refusal]) -> list[Rest]:
    """Whom to write to again, up to `MOST_PARTS` times one after another.

    Args:
        record: the e-mail that the provider took.
        provider: who took it.
        refused: for whom it did not.
    """
    if record.part >= MOST_PARTS:
        return []
    groups = {
        "rest": ([one.address for one in refused if not one.permanent], ""),
        "elsewhere": ([one.address for one in refused if one.ours], provider),
    }
    # The same for two workers at one e-mail, another one once a person has it sent again.
    again = f":{epoch_milliseconds(record.resent_at)}" if record.resent_at else ""
    return [
        Rest(email_id_of(record.company_id, f"{name}:{record.email_id}{again}"), tuple(addresses), not_by)
        for name, (addresses, not_by) in groups.items()
        if addresses
    ]


def items_of(record: EmailRecord, rest: Rest, content: str, now: datetime) -> list[Put]:
    """The items of a copy.

    It waits for the sweep: a busy mailbox until it is due, another provider until the next one.

    Args:
        record: the e-mail that it is a copy of.
        rest: for whom.
        content: what is to be sent.
        now: the present moment.
    """
    copy = replace(record, email_id=rest.email_id, state=State.QUEUED, fence=0, attempts=0, sent_again=False)
    # Who turned some of them away before does so again.
    tried = {name: one for name, one in record.tried.items() if one.ended == RECIPIENTS}
    fields: dict[str, object] = {
        "only": list(rest.addresses),
        "part": record.part + 1,
        "rest_of": record.email_id,
        "message_id": record.message_id,
        "maybe_twice": record.possible_duplicate,
    }
    if rest.not_by:
        tried[rest.not_by] = Tried(1, RECIPIENTS)
        fields |= {"reason": RECIPIENTS, "words": _TURNED_AWAY}
    due = waiting_keys(rest.email_id, now - LOST_AFTER if rest.not_by else now)
    return new_items(copy, content, **fields, **due, tried=tried_item(tried))
