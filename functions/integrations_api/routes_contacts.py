"""One customer's data: handed out, or forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.integrations_api.routing import Answer, Route, require_company_id
from shared.companies.customers import Customer

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call


def export_contact(call: Call) -> Answer:
    """Everything that is kept of one customer, page by page."""
    call.services.companies.read(require_company_id(call.owner))
    return Answer(call.services.customers.export(_customer(call), call.request.query.get("cursor") or None))


def forget_contact(call: Call) -> Answer:
    """Remove it; 202 where the same call must be made again to go on."""
    call.services.companies.read(require_company_id(call.owner))
    customer = _customer(call)
    receipt = call.services.customers.forget(customer)
    call.audit("contact.forget", contact=customer.name, complete=receipt.complete)
    return Answer(receipt.as_dict(), 200 if receipt.complete else 202)


def _customer(call: Call) -> Customer:
    return Customer.named(call.owner, call.request.path["contact"])


ROUTES = (
    Route(
        "GET", "/api/companies/{company_id}/contacts/{contact}/export", export_contact,
        "Hand out what is kept of a customer", scope="read:text",
        answers=(200, "a page of entries by section and next_cursor"),
    ),
    Route(
        "POST", "/api/companies/{company_id}/contacts/{contact}/forget", forget_contact,
        "Forget a customer", scope="admin", answers=(200, "the receipt; 202 while something is left to do"),
    ),
)  # fmt: skip
