"""How many e-mails customers may have the desk send: what keeps it from being used to write to strangers.

    allowance#<contact>        the e-mails of the last day: when, and digests of where they went
    allowance#*                those of all of a company's contacts: when

An address that a customer writes may be anybody's, and nobody can check that. So there are few e-mails in any
24 hours, and few different addresses; and because a visitor of a web chat can be a new contact at every
visit, all contacts together have so many and no more. It is counted in the transaction that writes the e-mail
down: an e-mail counts once, however often it is asked for, and two at the same moment are two.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.email.suppression import canonical
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.errors import TooMany
from shared.platform.tables import Key, Put

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.platform.tables import Item

WINDOW = timedelta(hours=24)
# Whose e-mails are counted, where all of a company's contacts are meant.
EVERYBODY = "*"
_About = Literal["emails", "addresses", "company"]


@dataclass(frozen=True)
class Allowance:
    """What somebody may cause in any 24 hours.

    Args:
        holder: a contact, as conversations know it (``ToolContext.user_id``), or `EVERYBODY`.
        emails: at most so many e-mails.
        addresses: to at most so many different addresses; ``None``: to any.
    """

    holder: str
    emails: int
    addresses: int | None = None


class OverAllowance(TooMany):
    """Somebody has had as much as there is for a day.

    Args:
        about: of what there were too many: of a contact's ``emails`` or ``addresses``, or of all contacts'
            e-mails (``company``).
        after_seconds: when there is room for another e-mail.
    """

    def __init__(self, about: _About, *, after_seconds: int) -> None:
        super().__init__(f"too many e-mails in 24 hours ({about})", after_seconds=after_seconds)
        self.about = about


def allowance_key(company_id: str, holder: str) -> Key:
    """Where somebody's e-mails are counted; see `Allowance`."""
    return Key(company_pk(company_id), f"allowance#{holder}")


def one_more(
    company_id: str, allowance: Allowance, item: Item | None, addresses: Sequence[str], now: datetime
) -> Put:
    """The write that counts one more e-mail; it fails where another was counted meanwhile.

    Args:
        company_id: of which company.
        allowance: how much there is.
        item: what was counted so far, as it was read; ``None``: nothing.
        addresses: where the e-mail goes.
        now: the current time.

    Raises:
        OverAllowance: there is no room for it.
    """
    since = epoch_milliseconds(now - WINDOW)
    sent = [one for one in (item["sent"] if item else []) if one["at_ms"] > since]
    digests = [] if allowance.addresses is None else sorted(_digest(company_id, one) for one in addresses)
    this = {"at_ms": epoch_milliseconds(now), "to": digests}
    _require_room(allowance, sent, this, now)
    version = item["version"] if item else 0
    counted = {
        **allowance_key(company_id, allowance.holder).as_item(),
        "v": SCHEMA_VERSION,
        "version": version + 1,
        "sent": [*sent, this],
        "expires_at": int((now + WINDOW).timestamp()) + 1,
    }
    return Put(counted, "attribute_not_exists(pk) OR version = :read", {":read": version})


def _require_room(allowance: Allowance, sent: list[Item], this: dict[str, Any], now: datetime) -> None:
    different = {digest for one in (*sent, this) for digest in one["to"]}
    about: _About
    if len(sent) >= allowance.emails:
        about = "company" if allowance.holder == EVERYBODY else "emails"
    elif allowance.addresses is not None and len(different) > allowance.addresses:
        about = "addresses"
    else:
        return
    free_at = from_epoch_milliseconds(sent[0]["at_ms"]) + WINDOW if sent else now + WINDOW
    raise OverAllowance(about, after_seconds=max(1, int((free_at - now).total_seconds())))


def _digest(company_id: str, address: str) -> str:
    return hashlib.sha256(f"{company_id}\n{canonical(address)}".encode()).hexdigest()[:32]
