"""Mailgun's v3 API, with the message as MIME, so that it arrives as it was written.

https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-http
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, ClassVar

from urllib3.filepost import encode_multipart_formdata

from shared.email.addresses import wire
from shared.email.mime import mime_bytes
from shared.email.providers.contract import (
    MEGABYTE,
    Accepted,
    Ambiguous,
    Capabilities,
    NotAccepted,
    Provider,
    Rejected,
    said,
)
from shared.email.providers.http_answers import post, refuses, retry_after_seconds
from shared.email.rendered import COMPANY_ID, EMAIL_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.email.rendered import Rendered
    from shared.platform.clock import Deadline
    from shared.platform.http import HttpAnswer, HttpClient
    from shared.platform.secret import Secret

HOSTS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
_Field = tuple[str, str | tuple[str, bytes, str]]


class Mailgun(Provider):
    """A company's Mailgun domain.

    Args:
        http: of this company and thread.
        base_url: one of `HOSTS`, or a simulator.
        domain: the sending domain.
        api_key: of the account, or of the domain.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        max_bytes=25 * MEGABYTE, max_recipients=1000, max_tags=10
    )

    def __init__(self, http: HttpClient, base_url: str, domain: str, api_key: Secret) -> None:
        self._http = http
        self._url = f"{base_url}/v3/{domain}/messages.mime"
        self._api_key = api_key

    def _written(self, rendered: Rendered) -> bytes:
        return mime_bytes(rendered)

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        # A message cannot hold its own hash, and every try has the same.
        boundary = hashlib.sha256(content).hexdigest()
        form, content_type = encode_multipart_formdata(list(_form(rendered, content)), boundary)
        basic = base64.b64encode(f"api:{self._api_key.reveal()}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": content_type}
        return _judged(post(self._http, self._url, deadline, headers=headers, content=form))


def _form(rendered: Rendered, message: bytes) -> Iterator[_Field]:
    for one in rendered.recipients:
        yield "to", wire(one.address)
    for tag in rendered.tags:
        yield "o:tag", tag
    yield "o:tracking-clicks", "no"
    yield f"v:{EMAIL_ID}", rendered.email_id
    yield f"v:{COMPANY_ID}", rendered.company_id
    yield "message", ("message.mime", message, "message/rfc822")


def _judged(answer: HttpAnswer) -> Accepted:
    body = answer.json()
    told = body if isinstance(body, dict) else {}
    words = str(told.get("message") or "")
    match answer.status:
        case 200 if told.get("id"):
            return Accepted(str(told["id"]).strip("<>"))
        case 400 | 413:
            raise Rejected(f"Mailgun refused the message: {said(words)}", about="message")
        case 402:
            raise Rejected("the Mailgun account is not paid", about="account", reason="billing")
        case 401 | 403 | 404:
            hint = "Mailgun refused the account (a domain of the other region is refused as well)"
            raise Rejected(f"{hint}: {said(words)}", about="account", reason="denied")
        case 429:
            wait = retry_after_seconds(answer)
            raise NotAccepted("Mailgun takes no more now", reason="throttled", after_seconds=wait)
        case 503 if words:
            wait = retry_after_seconds(answer)
            raise NotAccepted("Mailgun is not available", reason="unavailable", after_seconds=wait)
        case status if refuses(status):
            raise Rejected(f"Mailgun answered {status}", about="message", reason=f"status_{status}")
    raise Ambiguous(f"Mailgun answered {answer.status}", reason=f"status_{answer.status}")
