"""SendGrid's Mail Send, with the rules that senders run into."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

if TYPE_CHECKING:
    from local.mail_simulator.kept import Post

JsonDict = dict[str, Any]
LARGEST_BYTES = 30 * 1024 * 1024
RESERVED = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to",
    "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip


class Wrong(Exception):
    """A rule is broken."""

    def __init__(self, message: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.field = field
        self.status = status


def error_body(message: str, field: str | None = None) -> str:
    """An error as SendGrid words it."""
    return json.dumps({"errors": [{"message": message, "field": field, "help": None}]})


def blueprint(post: Post) -> Blueprint:
    """The call, as a part of the application."""
    part = Blueprint("sendgrid", __name__)

    @part.post("/v3/mail/send")
    def send() -> Response:
        try:
            _require_key(request.headers.get("Authorization", ""))
            wish = _wish(len(request.get_data()), request.get_json(silent=True))
            message, people = _checked(wish)
        except Wrong as wrong:
            return Response(error_body(str(wrong), wrong.field), wrong.status, mimetype="application/json")
        extras = {"categories": wish.get("categories", []), "custom_args": wish.get("custom_args", {})}
        post.keep("sendgrid", wish["from"]["email"], people, message.as_bytes(policy=SMTP), extras)
        return Response("", 202, {"X-Message-Id": uuid.uuid4().hex})

    return part


def _require_key(header: str) -> None:
    scheme, _, key = header.partition(" ")
    if scheme != "Bearer" or not key.startswith("SG."):
        raise Wrong("The provided authorization grant is invalid, expired, or revoked", status=401)
    if key == "SG.unpaid":
        raise Wrong("Maximum credits exceeded", status=401)


def _wish(size_bytes: int, body: object) -> JsonDict:
    if size_bytes > LARGEST_BYTES:
        raise Wrong("The request body is too large.", status=413)
    if not isinstance(body, dict):
        raise Wrong("Bad Request")
    return body


def _checked(wish: JsonDict) -> tuple[EmailMessage, list[str]]:
    """The message that SendGrid would send, and who gets it."""
    if not wish.get("personalizations") or not wish.get("from") or not wish.get("subject"):
        raise Wrong("The personalizations, from and subject fields are required.", "personalizations")
    if wish["from"]["email"].endswith("@unverified.example"):
        words = "The from address does not match a verified Sender Identity."
        raise Wrong(words, "from", status=403)
    if len(wish.get("categories", [])) > 10:  # noqa: PLR2004 - SendGrid's rule
        raise Wrong("You cannot have more than 10 categories per request.", "categories")
    first = wish["personalizations"][0]
    people = [one["email"] for kind in ("to", "cc", "bcc") for one in first.get(kind, [])]
    if len({one.lower() for one in people}) < len(people):
        words = "Each email address in the personalization block should be unique between to, cc, and bcc."
        raise Wrong(words, "personalizations.0")
    if not all(one.isascii() and "@" in one for one in people):
        raise Wrong("Does not contain a valid address.", "personalizations.0.to")
    return _message(wish, first), _reached(first)


def _reached(first: JsonDict) -> list[str]:
    """Who gets it: names are cut at commas and semicolons; pieces that are no address are dropped."""
    given = [one for kind in ("to", "cc", "bcc") for one in first.get(kind, [])]
    return [one["email"] for one in given if not {",", ";"}.intersection(one.get("name", ""))]


def _message(wish: JsonDict, first: JsonDict) -> EmailMessage:
    message = EmailMessage()
    message["From"] = _address(wish["from"])
    for kind in ("to", "cc"):
        if first.get(kind):
            message[kind.title()] = [_address(one) for one in first[kind]]
    if wish.get("reply_to"):
        message["Reply-To"] = _address(wish["reply_to"])
    message["Subject"] = wish["subject"]
    for name, value in wish.get("headers", {}).items():
        if name.lower() in RESERVED:
            raise Wrong("The header name is reserved.", f"headers.{name}")
        message[name] = value
    _write_bodies(message, wish.get("content", []))
    for file in wish.get("attachments", []):
        _attach(message, file)
    return message


def _address(given: JsonDict) -> Address:
    return Address(display_name=given.get("name", ""), addr_spec=given["email"])


def _write_bodies(message: EmailMessage, content: list[JsonDict]) -> None:
    kinds = [one["type"].partition(";")[0] for one in content]
    order = [kind for kind in ("text/plain", "text/html", "text/calendar") if kind in kinds]
    if not kinds or kinds != order:
        words = "If present, text/plain and text/html may only be provided once, text/plain first."
        raise Wrong(words, "content")
    for number, one in enumerate(content):
        kind, _, parameters = one["type"].partition(";")
        named = dict([parameters.strip().split("=", 1)]) if parameters else {}
        write = message.add_alternative if number else message.set_content
        write(one["value"], subtype=kind.partition("/")[2], params=named)


def _attach(message: EmailMessage, file: JsonDict) -> None:
    kind = file.get("type", "application/octet-stream")
    if ";" in kind or "\r" in kind or "\n" in kind:
        raise Wrong("The attachment type cannot contain ';', or CRLF characters.", "attachments")
    try:
        content = base64.b64decode(file["content"], validate=True)
    except binascii.Error:
        raise Wrong("The attachment content must be base64 encoded.", "attachments.0.content") from None
    main, _, sub = kind.partition("/")
    if file.get("disposition") == "inline":
        html = message.get_body(("html",))
        if isinstance(html, EmailMessage):
            cid = f"<{file['content_id']}>"
            html.add_related(content, main, sub, cid=cid, filename=file["filename"], disposition="inline")
            return
    message.add_attachment(content, "application", "octet-stream", filename=file["filename"])
    message.get_payload()[-1].set_type(kind)  # type: ignore[index, union-attr]
