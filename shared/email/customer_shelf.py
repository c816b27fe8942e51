"""What the e-mails' table keeps of one customer: handed out whole, or forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.companies.names import company_pk
from shared.companies.receipt import Remains
from shared.email.allowance import allowance_key
from shared.email.desk import story_view
from shared.email.files import contact_prefix
from shared.email.records import Contact, contact_key, email_key
from shared.platform.errors import NotFound
from shared.platform.tables import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.companies.customers import Customer
    from shared.email.aftermath import Aftermath
    from shared.email.file_removal import FileRemoval
    from shared.platform.clock import Deadline
    from shared.platform.tables import Item, Table


class EmailShelf:
    """E-mails that were enqueued as a contact's, and files that were uploaded for one.

    Args:
        table: the e-mails' table.
        aftermath: tells an e-mail's story.
        files: removes stored files.
    """

    sections = ("emails",)

    def __init__(self, table: Table, aftermath: Aftermath, files: FileRemoval) -> None:
        self._table = table
        self._aftermath = aftermath
        self._files = files

    def entries(self, customer: Customer) -> Iterator[tuple[str, dict[str, Any]]]:
        """See `shared.companies.customers.Shelf`."""
        for pointer in self._pointers(customer):
            try:
                story = self._aftermath.story(customer.company_id, pointer["email_id"])
            except NotFound:
                continue  # it expired a moment before its pointer
            yield "emails", story_view(story, texts=True)

    def forget(self, customer: Customer, deadline: Deadline, count: Callable[[str], None]) -> bool:
        """See `shared.companies.customers.Shelf`; a worker that is just at one finds it gone."""
        # Again while there are any: a worker may make an e-mail for the rest of one that still stands.
        while pointers := self._pointers(customer):
            for pointer in pointers:
                if deadline.passed():
                    return False
                self._forget(customer.company_id, pointer)
                count("e-mails")
        counted = f"{customer.account_id}:{customer.contact_id}"
        self._table.delete(allowance_key(customer.company_id, counted))

        def count_files(gone: int) -> None:
            for _ in range(gone):
                count("files of e-mails")

        contact = Contact(customer.account_id, customer.contact_id)
        return self._files.remove(contact_prefix(customer.company_id, contact), count_files, deadline)

    def _forget(self, company_id: str, pointer: Item) -> None:
        key = email_key(company_id, pointer["email_id"])
        for item in self._table.query(key.pk, prefix=key.sk, consistent=True):
            self._table.delete(Key(item["pk"], item["sk"]))
        self._table.delete(Key(pointer["pk"], pointer["sk"]))

    def remains(self) -> tuple[Remains, ...]:
        """See `shared.companies.customers.Shelf`."""
        return (
            Remains(
                "e-mails that nobody said were this customer's, and the addresses that are not written to",
                "90 days; the list until an address is taken off",
            ),
            Remains(
                "files that were uploaded for e-mails without saying whose they are, or that are uploaded "
                "only now to a place given out within the last quarter of an hour",
                "90 days",
            ),
            Remains("what e-mail providers keep of mails they were handed", "their own rules"),
        )

    def _pointers(self, customer: Customer) -> list[Item]:
        contact = Contact(customer.account_id, customer.contact_id)
        prefix = contact_key(customer.company_id, contact, "").sk
        return self._table.query(company_pk(customer.company_id), prefix=prefix, consistent=True)
