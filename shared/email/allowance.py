"""How many e-mails a customer may have the desk send: what keeps it from being used to write to strangers.

    allowance#<contact>        the e-mails of the last day: when, and digests of where they went

An address that a customer writes may be anybody's, and nobody can check that. So there are few e-mails in any
24 hours, and few different addresses. It is counted in the transaction that writes the e-mail down: an e-mail
counts once, however often it is asked for, and two at the same moment are two.
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


@dataclass(frozen=True)
class Allowance:
    """What one contact may cause in any 24 hours.

    Args:
        contact_id: the contact, as conversations know it (``ToolContext.user_id``).
        emails: at most so many e-mails.
        addresses: to at most so many different addresses.
    """

    contact_id: str
    emails: int
    addresses: int


class OverAllowance(TooMany):
    """A contact has had as much as there is for a day.

    Args:
        about: of what there were too many.
        after_seconds: when there is room for another e-mail.
    """

    def __init__(self, about: Literal["emails", "addresses"], *, after_seconds: int) -> None:
        super().__init__(f"the contact has had too many {about} in 24 hours", after_seconds=after_seconds)
        self.about = about


def allowance_key(company_id: str, contact_id: str) -> Key:
    """Where a contact's e-mails are counted."""
    return Key(company_pk(company_id), f"allowance#{contact_id}")


def one_more(
    company_id: str, allowance: Allowance, item: Item | None, addresses: Sequence[str], now: datetime
) -> Put:
    """The write that counts one more e-mail; it fails where another was counted meanwhile.

    Args:
        company_id: whose contact.
        allowance: how much there is.
        item: what was counted so far, as it was read; ``None``: nothing.
        addresses: where the e-mail goes.
        now: the current time.

    Raises:
        OverAllowance: there is no room for it.
    """
    since = epoch_milliseconds(now - WINDOW)
    sent = [one for one in (item["sent"] if item else []) if one["at_ms"] > since]
    this = {"at_ms": epoch_milliseconds(now), "to": sorted(_digest(company_id, one) for one in addresses)}
    _require_room(allowance, sent, this, now)
    version = item["version"] if item else 0
    counted = {
        **allowance_key(company_id, allowance.contact_id).as_item(),
        "v": SCHEMA_VERSION,
        "version": version + 1,
        "sent": [*sent, this],
        "expires_at": int((now + WINDOW).timestamp()) + 1,
    }
    return Put(counted, "attribute_not_exists(pk) OR version = :read", {":read": version})


def _require_room(allowance: Allowance, sent: list[Item], this: dict[str, Any], now: datetime) -> None:
    different = {digest for one in (*sent, this) for digest in one["to"]}
    about: Literal["emails", "addresses"]
    if len(sent) >= allowance.emails:
        about = "emails"
    elif len(different) > allowance.addresses:
        about = "addresses"
    else:
        return
    free_at = from_epoch_milliseconds(sent[0]["at_ms"]) + WINDOW if sent else now + WINDOW
    raise OverAllowance(about, after_seconds=max(1, int((free_at - now).total_seconds())))


def _digest(company_id: str, address: str) -> str:
    return hashlib.sha256(f"{company_id}\n{canonical(address)}".encode()).hexdigest()[:32]
