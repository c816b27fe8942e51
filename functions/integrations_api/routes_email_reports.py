"""Where e-mail providers report what became of e-mails; each delivery must prove itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from functions.integrations_api.routing import Answer, Route
from shared.platform.errors import InvalidInput

if TYPE_CHECKING:
    from functions.integrations_api.routing import Call
    from shared.companies.email import Vendor


def take_reports(call: Call, *, vendor: Vendor) -> Answer:
    """401 says nothing: not whether there is such a company, nor what was wrong."""
    request, limit = call.request, call.services.body_limit_bytes
    if len(request.body) > limit:
        raise InvalidInput(f"the body is larger than {limit} bytes", reason="too_large", status=413)
    new = call.services.email.reception.take(
        vendor, request.path["company_id"], request.path["provider_id"], request.headers, request.body
    )
    return Answer({"reports": new})


def _route(vendor: Vendor, title: str) -> Route:
    run = partial(take_reports, vendor=vendor)
    run.__name__ = f"take_reports_of_{vendor}"  # type: ignore[attr-defined]
    return Route(
        "POST", f"/api/webhook/{vendor}/{{company_id}}/{{provider_id}}", run, f"Take {title}'s reports",
        owner="open", answers=(200, "how many were new"),
    )  # fmt: skip


ROUTES = (_route("sendgrid", "SendGrid"), _route("mailgun", "Mailgun"), _route("ses", "Amazon SES"))
