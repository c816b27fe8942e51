"""Who owns which inbox: no inbox of an account on a server belongs to two companies.

One item per account and server says which company claims which inboxes. It changes only together with the
document or connection that the claim follows from, in one transaction, and only if nobody changed it in
between (compare-and-set on its version). It is never removed, so that its version never starts again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.companies.card import EVERY_INBOX
from shared.companies.names import SCHEMA_VERSION, account_pk, server_sk
from shared.platform.errors import Conflict, FieldError
from shared.platform.tables import Key, Put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.companies.connection import ChatwootConnection
    from shared.platform.tables import Item, Table

Inboxes = tuple[int | str, ...]
EVERYTHING: Inboxes = (EVERY_INBOX,)


@dataclass(frozen=True)
class Claim:
    """What one company claims: inboxes of one account on one server."""

    account_id: int
    origin: str
    inboxes: Inboxes

    @property
    def key(self) -> Key:
        """Where the claims on this account stand."""
        return Key(account_pk(self.account_id), server_sk(self.origin))


def claim_of(document: Item | None, connection: ChatwootConnection | None) -> Claim | None:
    """What follows from a document's item and a connection; nothing while one of them is missing."""
    if document is None or connection is None or not connection.connected:
        return None
    named = document["inboxes"]
    inboxes = EVERYTHING if named == "all" else tuple(sorted(int(number) for number in named))
    return Claim(connection.account_id, connection.origin, inboxes)


def changes(table: Table, company_id: str, old: Claim | None, new: Claim | None) -> list[Put]:
    """The writes that turn one claim of a company into another.

    Raises:
        Conflict: another company owns one of the inboxes. It is not named.
    """
    if old == new:
        return []
    writes = []
    if new is not None:
        writes.append(_claimed(table, company_id, new))
    if old is not None and (new is None or old.key != new.key):
        writes.append(_rewritten(table.get(old.key, consistent=True), old.key, company_id, ()))
    return writes


def _claimed(table: Table, company_id: str, claim: Claim) -> Put:
    item = table.get(claim.key, consistent=True)
    _refuse_overlap(company_id, claim.inboxes, item["owners"] if item else {})
    return _rewritten(item, claim.key, company_id, claim.inboxes)


def _refuse_overlap(company_id: str, wanted: Inboxes, owners: Mapping[str, Sequence[int | str]]) -> None:
    for owner, owned in owners.items():
        if owner == company_id or not wanted:
            continue
        if EVERY_INBOX in owned or EVERY_INBOX in wanted:
            problem = "inboxes of this Chatwoot account belong to another company"
            raise _taken(problem + ("; name this company's by their ids" if EVERY_INBOX in wanted else ""))
        both = sorted(set(wanted) & set(owned), key=str)
        if both:
            raise _taken(f"inbox {both[0]} of this Chatwoot account belongs to another company")


def _taken(problem: str) -> Conflict:
    return Conflict(problem, reason="inbox_taken", fields=(FieldError("inboxes", problem),))


def _rewritten(item: Item | None, key: Key, company_id: str, inboxes: Inboxes) -> Put:
    owners = {
        owner: owned for owner, owned in (item["owners"] if item else {}).items() if owner != company_id
    }
    if inboxes:
        owners[company_id] = list(inboxes)
    version = item["version"] if item else 0
    new = {**key.as_item(), "v": SCHEMA_VERSION, "owners": owners, "version": version + 1}
    if item is None:
        return Put(new, "attribute_not_exists(pk)")
    return Put(new, "version = :version", {":version": version})
