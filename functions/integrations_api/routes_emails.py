"""E-mails: taken in with their files, listed, told of, sent again on purpose."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, Field, model_validator

from functions.integrations_api.routing import Answer, Route, require_company_id
from shared.companies.base import Part
from shared.companies.customers import Customer
from shared.companies.email import Kind  # noqa: TC001 - pydantic reads it
from shared.email.callbacks.reports import Fate
from shared.email.file_intake import FileWish
from shared.email.message import NewEmail, Templated  # noqa: TC001 - the same
from shared.email.records import Contact, State
from shared.email.sending import require_sendable, worth_until
from shared.platform.clock import in_utc
from shared.platform.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functions.integrations_api.routing import Call

LONGEST = timedelta(days=7)


class EmailRequest(Part):
    """What ``POST /api/emails`` takes: a message in full, or a template and its values."""

    company_id: str | None = None
    kind: Kind = "transactional"
    message: NewEmail | None = None
    templated: Templated | None = None
    # Account and contact id of the customer it belongs to, so that it is handed out and forgotten with them.
    contact: Annotated[str, Field(max_length=40)] | None = None
    expires_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> EmailRequest:
        if (self.message is None) == (self.templated is None):
            raise ValueError("must have either a message or a templated one")
        return self


class FileRequest(FileWish):
    """What ``POST /api/emails/files`` takes."""

    company_id: str | None = None
    # The customer with whom the file is forgotten.
    contact: Annotated[str, Field(max_length=40)] | None = None


class ResendRequest(Part):
    """What ``POST …/resend`` takes."""

    company_id: str | None = None


def send_email(call: Call) -> Answer:
    """Write it down and queue it; nobody waits for a provider."""
    wish: EmailRequest = call.given
    company_id = require_company_id(call.owner)
    services = call.services.email
    company = call.services.companies.get(company_id)
    email = wish.message or wish.templated
    assert email is not None  # noqa: S101 - the model requires one of both
    with _within("message" if wish.message else "templated"):
        require_sendable(company, email, wish.kind)
        email = services.files.pinned(company_id, email)
    now = services.clock.now()
    ends_at = _until(wish.expires_at, now) or worth_until(company, wish.kind, now)
    # Without a key each request is an e-mail of its own.
    given = call.request.headers.get("idempotency-key")
    key = given or uuid.uuid4().hex
    email_id = services.outbox.enqueue(
        company_id,
        email,
        key=f"api:{key}",
        kind=wish.kind,
        ends_at=ends_at,
        contact=_contact(company_id, wish.contact),
    )
    # Under a key it may have been asked for before, and have come far since.
    state = services.desk.state_of(company_id, email_id) if given else State.QUEUED
    return Answer({"email_id": email_id, "status": state.value.lower()}, 202)


def place_file(call: Call) -> Answer:
    """Say where a file may be uploaded to; nothing is stored yet."""
    wish: FileRequest = call.given
    company_id = require_company_id(call.owner)
    call.services.companies.read(company_id)
    place = call.services.email.files.place(company_id, wish, _contact(company_id, wish.contact))
    upload = {"method": "PUT", "url": place.url, "headers": place.headers, "until": _shown(place.until)}
    stored = place.stored.model_dump(exclude_none=True)
    return Answer({"stored": stored, "upload": upload, "kept_until": _shown(place.kept_until)}, 201)


def list_emails(call: Call) -> Answer:
    """Newest first."""
    limit, cursor = call.page()
    call.services.companies.read(require_company_id(call.owner))
    found, following = call.services.email.desk.list(
        require_company_id(call.owner),
        limit,
        cursor,
        state=_state(call),
        fate=_fate(call),
        since=_since(call),
    )
    return Answer({"emails": found, "next_cursor": following})


def get_email(call: Call) -> Answer:
    """Addresses, words and content only for keys that may read texts."""
    email_id = call.request.path["email_id"]
    texts = call.caller.may("read:text")
    return Answer(call.services.email.desk.story(require_company_id(call.owner), email_id, texts=texts))


def resend_email(call: Call) -> Answer:
    """On purpose: where nobody knows, the customer may get a second copy."""
    email_id = call.request.path["email_id"]
    company_id = require_company_id(call.owner)
    company = call.services.companies.get(company_id)
    again = call.services.email.desk.resend(company_id, company, email_id)
    call.audit("email.resend", email_id=email_id)
    return Answer({"email_id": again.email_id, "status": "queued"}, 202)


@contextmanager
def _within(place: str) -> Iterator[None]:
    """Name wrong fields as the caller wrote them: inside of the message."""
    try:
        yield
    except InvalidInput as error:
        fields = tuple(FieldError(f"{place}.{one.field}", one.problem) for one in error.fields)
        error.fields = fields
        raise


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _contact(company_id: str, name: str | None) -> Contact | None:
    if name is None:
        return None
    customer = Customer.named(company_id, name)
    return Contact(customer.account_id, customer.contact_id)


def _until(wanted: datetime | None, now: datetime) -> datetime | None:
    if wanted is not None and not now < wanted <= now + LONGEST:
        raise _wrong("expires_at", "must lie in the next seven days")
    return in_utc(wanted) if wanted else None


def _state(call: Call) -> State | None:
    name = call.request.query.get("state", "").upper()
    if name and name not in State.__members__:
        raise _wrong("state", f"must be one of {', '.join(State)}")
    return State(name) if name else None


def _fate(call: Call) -> Fate | None:
    name = call.request.query.get("fate", "").lower()
    if name and name not in list(Fate):
        raise _wrong("fate", f"must be one of {', '.join(Fate)}")
    return Fate(name) if name else None


def _since(call: Call) -> datetime | None:
    text = call.request.query.get("since", "")
    try:
        return in_utc(datetime.fromisoformat(text)) if text else None
    except ValueError:
        raise _wrong("since", "must be a time such as 2026-11-24T09:00:00Z") from None


def _wrong(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field} {problem}", fields=(FieldError(field, problem),), status=422)


ROUTES = (
    Route(
        "POST", "/api/emails", send_email, "Send an e-mail", owner="body", scope="act", body=EmailRequest,
        answers=(202, "the e-mail's id; it is sent within seconds"), keyed=True,
    ),
    Route(
        "POST", "/api/emails/files", place_file, "Get a place for a large file", owner="body", scope="act",
        body=FileRequest, answers=(201, "what names the file in an e-mail, and where it is uploaded to"),
    ),
    Route(
        "GET", "/api/emails", list_emails, "List e-mails", owner="query",
        answers=(200, "a page of e-mails, newest first, and next_cursor"),
    ),
    Route(
        "GET", "/api/emails/{email_id}", get_email, "Tell what became of an e-mail", owner="query",
        answers=(200, "its state, tries and reports; content only with the scope read:text"),
    ),
    Route(
        "POST", "/api/emails/{email_id}/resend", resend_email, "Send an e-mail again that did not arrive",
        owner="body", scope="act", body=ResendRequest, answers=(202, "it is queued again"),
    ),
)  # fmt: skip
