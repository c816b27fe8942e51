"""What the webhook door must know of a company, and nothing else: read without pydantic, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from shared.companies.connection import ChatwootConnection
from shared.companies.names import CONNECTION, DOCUMENT, account_pk, company_pk, is_company_id
from shared.platform.tables import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.platform.tables import Item, Table

Via = Literal["agent_bot", "webhook"]

# By company, the ids of the inboxes that it owns, or `EVERY_INBOX`.
Claims = dict[str, list[int | str]]

# Account numbers repeat between servers, so several owners are normal; more than these are not tried.
MAX_CANDIDATES = 10
EVERY_INBOX = "*"
DEFAULT_HISTORY_DAYS = 30


@dataclass(frozen=True)
class CompanyCard:
    """A company as the door sees it.

    Args:
        company_id: its id.
        mode: ``live``, ``shadow`` or ``off``.
        inboxes: ``"all"`` of the account, or by inbox id how that inbox's events reach us.
        default_via: the same for inboxes that are not listed by id.
        connection: its Chatwoot connection; ``None`` while it has none in use.
        history_days: how long what is said in its conversations is kept.
    """

    company_id: str
    mode: Literal["live", "shadow", "off"] = "live"
    inboxes: Literal["all"] | Mapping[int, Via] = "all"
    default_via: Via = "webhook"
    connection: ChatwootConnection | None = field(default=None)
    history_days: int = DEFAULT_HISTORY_DAYS

    @property
    def markers_survive(self) -> bool:
        """Whether our marker comes back from this company's Chatwoot."""
        return self.connection is None or self.connection.marker_survives

    def owns(self, inbox_id: int) -> bool:
        """Whether messages of this inbox are the company's."""
        return self.inboxes == "all" or inbox_id in self.inboxes

    def listed(self, inbox_id: int) -> bool:
        """Whether the inbox is named by its id, which e-mail inboxes must be."""
        return self.inboxes != "all" and inbox_id in self.inboxes

    def via(self, inbox_id: int) -> Via:
        """Who sends this inbox's events: an agent bot, or the account's webhook."""
        if self.inboxes == "all":
            return self.default_via
        return self.inboxes.get(inbox_id, self.default_via)


def card_attributes(document: Mapping[str, Any]) -> Item:
    """The part of a validated document that the door needs, as plain attributes of the document's item."""
    rules = document.get("inboxes", "all")
    inboxes = "all" if rules == "all" else {str(rule["id"]): rule.get("via", "webhook") for rule in rules}
    return {
        "mode": document.get("mode", "live"),
        "inboxes": inboxes,
        "default_via": document.get("default_via", "webhook"),
        "history_days": document.get("retention", {}).get("history_days", DEFAULT_HISTORY_DAYS),
    }


class Directory:
    """Finds companies for the door.

    Args:
        table: the companies table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def card(self, company_id: str) -> CompanyCard | None:
        """One company's card, or ``None`` where there is no such company.

        The read is consistent: after a failed signature a second look must see a secret stored just now.
        """
        if not is_company_id(company_id):
            return None
        pk = company_pk(company_id)
        item = self._table.get(Key(pk, DOCUMENT), consistent=True)
        if item is None:
            return None
        return _card(company_id, item, self._table.get(Key(pk, CONNECTION), consistent=True))

    def claims(self, account_id: int) -> Claims:
        """Which company owns which inboxes of the accounts with this number, on any server."""
        servers = self._table.query(account_pk(account_id), consistent=True)
        return {company_id: claimed for one in servers for company_id, claimed in one["owners"].items()}


def candidates(claims: Claims, inbox_id: int | None) -> list[str]:
    """The companies that own an inbox; at most ten.

    Args:
        claims: of the accounts with the number in the delivery's body.
        inbox_id: the inbox; ``None`` asks for every company connected to such an account.
    """
    owners = [
        company_id
        for company_id, claimed in sorted(claims.items())
        if inbox_id is None or EVERY_INBOX in claimed or inbox_id in claimed
    ]
    return owners[:MAX_CANDIDATES]


def _card(company_id: str, item: Item, connection: Item | None) -> CompanyCard:
    inboxes = item["inboxes"]
    chatwoot = ChatwootConnection.from_item(connection) if connection else None
    return CompanyCard(
        company_id,
        mode=item["mode"],
        inboxes="all" if inboxes == "all" else {int(number): via for number, via in inboxes.items()},
        default_via=item["default_via"],
        connection=chatwoot if chatwoot and chatwoot.connected else None,
        history_days=item.get("history_days", DEFAULT_HISTORY_DAYS),
    )
