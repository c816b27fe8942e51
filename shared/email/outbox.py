"""Where e-mails are put to be sent: written down, then queued; nobody waits for a provider."""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from shared.companies.names import SCHEMA_VERSION
from shared.email.allowance import OverAllowance, allowance_key, one_more
from shared.email.message import NewEmail, Templated
from shared.email.records import (
    KEPT_SECONDS,
    Contact,
    EmailRecord,
    Series,
    State,
    as_record,
    email_key,
    new_items,
    series_key,
)
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import Conflict, FieldError, InvalidInput, RetryLater
from shared.platform.observability import count, log
from shared.platform.tables import ConditionFailed, Put

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mypy_boto3_sqs import SQSClient

    from shared.companies.email import Kind
    from shared.email.allowance import Allowance
    from shared.platform.clock import Clock
    from shared.platform.tables import Table

MAX_CONTENT_BYTES = 350_000  # a table's item holds 400 KB
MAX_KEY_CHARACTERS = 300
_TRIES = 5
MAX_VISIBILITY_SECONDS = 43_200 - 300  # SQS counts its twelve hours from the receive
# How long an e-mail is worth sending where nobody says anything else.
WORTH = {
    "transactional": timedelta(hours=24),
    "reminder": timedelta(hours=1),
    "notice": timedelta(hours=24),
    "staff": timedelta(hours=6),
}


class EmailQueue(Protocol):
    """Calls the worker."""

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """Have an e-mail taken up; being called twice is harmless."""
        ...


class SqsEmailQueue:
    """The queue of e-mails.

    Args:
        client: an SQS client.
        url: the queue's address.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """See `EmailQueue`. The company is the message group: fair queues keep one from delaying others."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps({"company_id": company_id, "email_id": email_id}),
            DelaySeconds=delay_seconds,
            MessageGroupId=company_id,
        )

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """Let a received message come back after so many seconds, counted from now; zero is at once."""
        whole = min(MAX_VISIBILITY_SECONDS, max(0, math.ceil(seconds)))
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=whole
        )


class Outbox:
    """Takes e-mails in.

    Args:
        table: the e-mails' table.
        queue: calls the worker.
        clock: for times.
    """

    def __init__(self, table: Table, queue: EmailQueue, clock: Clock) -> None:
        self._table = table
        self._queue = queue
        self._clock = clock

    def enqueue(
        self,
        company_id: str,
        email: NewEmail | Templated,
        *,
        key: str,
        kind: Kind = "transactional",
        ends_at: datetime | None = None,
        contact: Contact | None = None,
        series: Series | None = None,
        allowances: Sequence[Allowance] = (),
    ) -> str:
        """Have an e-mail sent, once, however often this is called with the same key.

        Args:
            company_id: whose e-mail it is.
            email: what to send.
            key: what makes it this e-mail and no other, such as an appointment's id and its change.
            kind: what it is for.
            ends_at: after this moment it is not worth sending; ``None``: see `WORTH`.
            contact: the customer it belongs to, so that it is found when the customer is to be forgotten.
            series: those of which only the newest is worth sending.
            allowances: what the customer may cause in a day, and all customers, where a customer causes it.

        Returns:
            The e-mail's id, the same for the same company and key.

        Raises:
            InvalidInput: it is too large.
            Conflict: the key was used for another e-mail, or for another customer's.
            OverAllowance: there were too many in the last 24 hours.
            RetryLater: others keep writing e-mails of customers.
        """
        record, content = self._record(company_id, email, key, kind, ends_at, contact)
        record = replace(record, series=series)
        if series is not None:
            self.overtake(company_id, series)
        known = self._written_down(record, content, recipients(email), allowances)
        if known is None:
            count("EmailsEnqueued", kind=kind)
            log.info("e-mail enqueued", email_id=record.email_id, kind=kind)
        # Also where it was known, and where it reads otherwise by now: whoever wrote it first may have died
        # before this line.
        if known is None or known.state is State.QUEUED:
            self._queue.send(company_id, record.email_id)
        if known is not None:
            self._require_same(record, known)
        return record.email_id

    def overtake(self, company_id: str, series: Series) -> None:
        """Have older e-mails of a series not sent any more.

        Before the newer one is written down: whoever dies in between asks again, and what is older is
        pointless already. Also where there is no newer one, only newer facts.

        Args:
            company_id: whose.
            series: which, and how far it has come.
        """
        key = series_key(company_id, series.name)
        expires_at = epoch_milliseconds(self._clock.now()) // 1000 + KEPT_SECONDS
        item = {**key.as_item(), "v": SCHEMA_VERSION, "expires_at": expires_at}
        with suppress(ConditionFailed):  # this one, or a newer one, was here before
            self._table.put(
                {**item, "newest": series.number},
                "attribute_not_exists(pk) OR newest < :newest",
                {":newest": series.number},
            )

    def _written_down(
        self, record: EmailRecord, content: str, addresses: list[str], allowances: Sequence[Allowance]
    ) -> EmailRecord | None:
        """Write it down, unless it is there; then that one is returned."""
        for _ in range(_TRIES):
            # What is asked for again was counted before, whatever there is room for now.
            if allowances and (known := self._find(record)):
                return known
            counted = [self._counted(record, addresses, one) for one in allowances]
            try:
                self._table.transact([*new_items(record, content), *counted])
            except ConditionFailed:
                if known := self._find(record):
                    return known
            else:
                return None
        raise RetryLater("other e-mails of customers are being written", reason="allowance_busy")

    def _find(self, record: EmailRecord) -> EmailRecord | None:
        item = self._table.get(email_key(record.company_id, record.email_id), consistent=True)
        return as_record(item) if item else None

    def _counted(self, record: EmailRecord, addresses: list[str], allowance: Allowance) -> Put:
        item = self._table.get(allowance_key(record.company_id, allowance.holder), consistent=True)
        try:
            return one_more(record.company_id, allowance, item, addresses, record.created_at)
        except OverAllowance as refused:
            count("EmailsOverAllowance", about=refused.about)
            log.warning("customers have had too many e-mails", about=refused.about)
            if refused.about == "company":
                count("EmailsOverCompanyAllowance")
            raise

    def _record(
        self,
        company_id: str,
        email: NewEmail | Templated,
        key: str,
        kind: Kind,
        ends_at: datetime | None,
        contact: Contact | None,
    ) -> tuple[EmailRecord, str]:
        if not 0 < len(key) <= MAX_KEY_CHARACTERS:
            problem = f"must have 1 to {MAX_KEY_CHARACTERS} characters"
            raise InvalidInput(f"the key {problem}", fields=(FieldError("key", problem),))
        content = written(email)
        if len(content.encode()) > MAX_CONTENT_BYTES:
            remedy = "store its files instead" if email.attachments else "shorten its texts"
            raise InvalidInput(f"the e-mail has more than {MAX_CONTENT_BYTES} bytes; {remedy}", status=413)
        now = self._clock.now()
        whose = f"{contact.account_id}:{contact.contact_id}" if contact else ""
        record = EmailRecord(
            company_id=company_id,
            email_id=email_id_of(company_id, key),
            kind=kind,
            state=State.QUEUED,
            fence=0,
            created_at=now,
            ends_at=ends_at or now + WORTH[kind],
            digest=hashlib.sha256(f"{kind}\n{whose}\n{_meant(content)}".encode()).hexdigest(),
            contact=contact,
        )
        return record, content

    def _require_same(self, record: EmailRecord, known: EmailRecord) -> None:
        if record.digest != known.digest:
            raise Conflict("the key was used for another e-mail", reason="key_reused")


def recipients(email: NewEmail | Templated) -> list[str]:
    """The addresses of everybody whom an e-mail goes to."""
    return [one.address for one in (*email.to, *email.cc, *email.bcc)]


def email_id_of(company_id: str, key: str) -> str:
    """The id of the e-mail that a company enqueues under a key; says nothing of the key."""
    named = f"{company_id}\n{key}"
    return f"em-{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def written(email: NewEmail | Templated) -> str:
    """An e-mail as JSON text, the same text for the same e-mail."""
    # Without what has its default: a field that comes to exist later must not make it another e-mail.
    data = email.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def _meant(content: str) -> str:
    """What makes an e-mail the same as another: of stored files what they hold, not where that lies."""
    data = json.loads(content)
    for file in data.get("attachments", ()):
        if "stored" in file:
            file["stored"] = {name: file["stored"][name] for name in ("sha256", "size_bytes")}
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def read_back(content: str) -> NewEmail | Templated:
    """The e-mail that `written` wrote."""
    data = json.loads(content)
    return Templated.parse(data) if "template" in data else NewEmail.parse(data)
