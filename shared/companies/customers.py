"""One customer's data: everything that is kept of them, handed out or forgotten.

What is kept stands in several parts of the program, each of which knows its own. They are shelves: each gives
out its entries one by one, and empties itself. Whoever keeps something of customers adds a shelf.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shared.companies.receipt import Receipt, Remains, remains_everywhere, removed_lines
from shared.platform.clock import Deadline
from shared.platform.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.platform.clock import Clock

# API Gateway and Lambda give out at most 6 MB; one entry has at most 400 KB (a table's item).
PAGE_BYTES = 3_000_000
# Below the 29 seconds of the function.
FORGET_SECONDS = 20.0
_NAME = re.compile(r"(\d{1,18})-(\d{1,18})")
_CURSOR = re.compile(r"\d{1,9}")


@dataclass(frozen=True)
class Customer:
    """One customer of a company.

    Args:
        company_id: whose customer.
        account_id: the Chatwoot account.
        contact_id: the contact's id there.
    """

    company_id: str
    account_id: int
    contact_id: int

    @classmethod
    def named(cls, company_id: str, name: str) -> Customer:
        """Read how the API calls a customer: account and contact id, such as ``3-91``.

        Raises:
            NotFound: it is none.
        """
        found = _NAME.fullmatch(name)
        if found is None or int(found[2]) == 0:
            raise NotFound("there is no such contact")
        return cls(company_id, int(found[1]), int(found[2]))

    @property
    def name(self) -> str:
        """How the API calls the customer."""
        return f"{self.account_id}-{self.contact_id}"


class Shelf(Protocol):
    """A part of the program that keeps something of customers."""

    @property
    def sections(self) -> tuple[str, ...]:
        """What the export calls its kinds of entries."""
        ...

    def entries(self, customer: Customer) -> Iterator[tuple[str, dict[str, Any]]]:
        """Everything kept of a customer, each with its section, in an order that stays the same."""
        ...

    def forget(self, customer: Customer, deadline: Deadline, count: Callable[[str], None]) -> bool:
        """Remove it.

        Args:
            customer: whose.
            deadline: when to stop.
            count: told of each thing that is gone, by its kind.

        Returns:
            Whether nothing is left. Else the same call goes on; what is gone is not counted again.
        """
        ...

    def remains(self) -> tuple[Remains, ...]:
        """What is still there after forgetting, and until when."""
        ...


class Customers:
    """Hands out and forgets.

    Args:
        shelves: where something of customers is kept.
        clock: for times.
    """

    def __init__(self, shelves: Sequence[Shelf], clock: Clock) -> None:
        self._shelves = tuple(shelves)
        self._clock = clock

    def export(self, customer: Customer, cursor: str | None = None) -> dict[str, Any]:
        """A page of everything that is kept of a customer.

        Args:
            customer: whose.
            cursor: the ``next_cursor`` of the page before.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidInput("the cursor is not one that this export gave out", reason="bad_cursor")
        skip = int(cursor or 0)
        page: dict[str, Any] = {
            "company_id": customer.company_id,
            "contact": customer.name,
            "at": self._now(),
            **{section: [] for shelf in self._shelves for section in shelf.sections},
            "next_cursor": None,
        }
        size = 0
        for number, (section, entry) in enumerate(self._entries(customer)):
            if number < skip:
                continue
            if size > PAGE_BYTES:
                page["next_cursor"] = str(number)
                break
            page[section].append(entry)
            size += len(json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace"))
        return page

    def _entries(self, customer: Customer) -> Iterator[tuple[str, dict[str, Any]]]:
        for shelf in self._shelves:
            yield from shelf.entries(customer)

    def forget(self, customer: Customer) -> Receipt:
        """Remove everything that is kept of a customer.

        Returns:
            What was removed now, and what remains. Where the time was not enough it is not complete, and the
            same call goes on.
        """
        deadline = Deadline(self._clock, FORGET_SECONDS)
        counts: Counter[str] = Counter()

        def count(kind: str) -> None:
            counts[kind] += 1

        finished = [shelf.forget(customer, deadline, count) for shelf in self._shelves]
        elsewhere = Remains(
            "Chatwoot's own copy: contact, conversations and files", "you delete the contact there"
        )
        kept = [line for shelf in self._shelves for line in shelf.remains()]
        trail = Remains("the record of this act in the audit trail, with the contact's number", "400 days")
        return Receipt(
            subject=f"contact {customer.name} of company {customer.company_id}",
            at=self._now(),
            complete=all(finished),
            removed=removed_lines(counts),
            remains=(elsewhere, *kept, trail, *remains_everywhere(self._clock.now())),
        )

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")
