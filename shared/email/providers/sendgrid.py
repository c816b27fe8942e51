"""SendGrid's v3 Mail Send API (https://www.twilio.com/docs/sendgrid/api-reference/mail-send)."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, ClassVar

from shared.email.addresses import wire
from shared.email.invitations import FILE_NAME, ics
from shared.email.providers.contract import (
    MEGABYTE,
    Accepted,
    Ambiguous,
    Capabilities,
    NotAccepted,
    Provider,
    Rejected,
    said,
    wait_seconds,
)
from shared.email.providers.http_answers import post, refuses, retry_after_seconds
from shared.email.rendered import COMPANY_ID, EMAIL_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.email.addresses import Mailbox
    from shared.email.rendered import Rendered
    from shared.platform.clock import Clock, Deadline
    from shared.platform.http import HttpAnswer, HttpClient
    from shared.platform.secret import Secret

HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
PATH = "/v3/mail/send"
# Not "wrong key": the account is not paid, or has used up its month.
_BILLING = "maximum credits exceeded"
_SEPARATORS = str.maketrans(",;", "  ")
_JsonDict = dict[str, Any]


class SendGrid(Provider):
    """A company's SendGrid account.

    Args:
        http: of this company and thread.
        clock: SendGrid says *when* one may call again, not how long to wait.
        base_url: one of `HOSTS`, or a simulator.
        api_key: with the permission Mail Send.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        max_bytes=30 * MEGABYTE, max_recipients=1000, max_tags=10
    )

    def __init__(self, http: HttpClient, clock: Clock, base_url: str, api_key: Secret) -> None:
        self._http = http
        self._clock = clock
        self._url = base_url + PATH
        self._api_key = api_key

    def _written(self, rendered: Rendered) -> bytes:
        return json.dumps(request_body(rendered)).encode()

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        del rendered  # all of it is in the content
        bearer = f"Bearer {self._api_key.reveal()}"
        headers = {"Authorization": bearer, "Content-Type": "application/json"}
        return self._judged(post(self._http, self._url, deadline, headers=headers, content=content))

    def _judged(self, answer: HttpAnswer) -> Accepted:
        words = _words(answer)
        match answer.status:
            case 202 if "x-message-id" in answer.headers or not answer.body:
                return Accepted(answer.headers.get("x-message-id", ""))
            case 200 if not answer.body or isinstance(answer.json(), dict):
                raise Rejected(
                    "the account is a sandbox: nothing is delivered", about="account", reason="sandbox"
                )
            case 400 | 413:
                raise Rejected(f"SendGrid refused the message: {said(words)}", about="message")
            case 401 if _BILLING in words.lower():
                raise Rejected(
                    "the SendGrid account's credits are used up", about="account", reason="billing"
                )
            case 402:
                raise Rejected("the SendGrid account is not paid", about="account", reason="billing")
            case 401 | 403 | 404 | 405:
                raise Rejected(
                    f"SendGrid refused the account: {said(words)}", about="account", reason="denied"
                )
            case 429:
                raise NotAccepted(
                    "SendGrid takes no more now", reason="throttled", after_seconds=self._wait(answer)
                )
            case 503 if words:
                raise NotAccepted(
                    "SendGrid is not available", reason="unavailable", after_seconds=self._wait(answer)
                )
            case status if refuses(status):
                raise Rejected(f"SendGrid answered {status}", about="message", reason=f"status_{status}")
        raise Ambiguous(f"SendGrid answered {answer.status}", reason=f"status_{answer.status}")

    def _wait(self, answer: HttpAnswer) -> float | None:
        now = self._clock.now().timestamp()
        reset = wait_seconds(answer.headers.get("x-ratelimit-reset"), since=now)
        told = (reset, retry_after_seconds(answer))
        return max((wait for wait in told if wait is not None), default=None)


def _words(answer: HttpAnswer) -> str:
    """What SendGrid's own error body says; empty for anything else, such as a proxy's page."""
    body = answer.json()
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return ""
    return "; ".join(str(one.get("message")) for one in errors if isinstance(one, dict))


def request_body(rendered: Rendered) -> _JsonDict:
    """The message as SendGrid's JSON."""
    body: _JsonDict = {
        "personalizations": _personalizations(rendered),
        "from": _mailbox(rendered.sender),
        "subject": rendered.subject,
        "content": list(_bodies(rendered)),
        "headers": {"Message-ID": rendered.message_id, **dict(rendered.headers)},
        "custom_args": {
            EMAIL_ID: rendered.email_id,
            COMPANY_ID: rendered.company_id,
        },
        "tracking_settings": {"click_tracking": {"enable": False, "enable_text": False}},
    }
    if rendered.reply_to:
        body["reply_to"] = _mailbox(rendered.reply_to)
    if rendered.tags:
        body["categories"] = list(rendered.tags)
    files = list(_attachments(rendered))
    return body | ({"attachments": files} if files else {})


def _personalizations(rendered: Rendered) -> list[_JsonDict]:
    """Who gets it, which is all that SendGrid can say of to whom it is written.

    Each personalization is a message of its own and must name somebody openly. Where nobody to whom it is
    written gets this copy, everybody has one of their own: so nobody sees who else got a blind one.
    """
    kinds = (("to", rendered.to), ("cc", rendered.cc), ("bcc", rendered.bcc))
    everybody = {
        kind: [_recipient(one) for one in getting]
        for kind, people in kinds
        if (getting := rendered.among(people))
    }
    if "to" in everybody:
        return [everybody]
    return [{"to": [_recipient(one)]} for one in rendered.recipients]


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    named = {"name": mailbox.name} if mailbox.name else {}
    return {"email": wire(mailbox.address), **named}


def _recipient(mailbox: Mailbox) -> dict[str, str]:
    """A recipient: SendGrid cuts names at commas and semicolons, and takes the pieces for addresses."""
    shown = _mailbox(mailbox)
    if "name" in shown:
        shown["name"] = " ".join(shown["name"].translate(_SEPARATORS).split())
    return shown


def _bodies(rendered: Rendered) -> Iterator[dict[str, str]]:
    # In this order: SendGrid refuses a text behind an HTML body.
    yield {"type": "text/plain", "value": rendered.text}
    if rendered.html is not None:
        yield {"type": "text/html", "value": rendered.html}
    if rendered.invitation:
        kind = f"text/calendar; method={rendered.invitation.method}"
        yield {"type": kind, "value": ics(rendered.invitation).decode()}


def _attachments(rendered: Rendered) -> Iterator[dict[str, str]]:
    for file in rendered.files:
        shown = file.content_id is not None and rendered.html is not None
        place = {"disposition": "inline", "content_id": file.content_id or ""} if shown else {}
        yield _attachment(file.name, file.content_type, file.content) | place
    if rendered.invitation:
        yield _attachment(FILE_NAME, "application/ics", ics(rendered.invitation))


def _attachment(name: str, content_type: str, content: bytes) -> dict[str, str]:
    encoded = base64.b64encode(content).decode()
    # SendGrid's page "Errors", attachments.filename: neither commas nor semicolons.
    shown = " ".join(name.translate(_SEPARATORS).split())
    return {"content": encoded, "filename": shown, "type": content_type, "disposition": "attachment"}
