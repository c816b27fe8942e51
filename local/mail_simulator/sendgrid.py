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
CUT, LINE = {",", ";"}, {";", "\r", "\n"}


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
            mails = _checked(wish)
        except Wrong as wrong:
            return Response(error_body(str(wrong), wrong.field), wrong.status, mimetype="application/json")
        extras = {"categories": wish.get("categories", []), "custom_args": wish.get("custom_args", {})}
        for message, people in mails:
            post.keep("sendgrid", wish["from"]["email"], people, message.as_bytes(policy=SMTP), extras)
        return Response("", 202, {"X-Message-Id": uuid.uuid4().hex})

    return part


def _require(right: object, words: str, field: str | None = None, status: int = 400) -> None:
    if not right:
        raise Wrong(words, field, status)


def _require_key(header: str) -> None:
    scheme, _, key = header.partition(" ")
    known = scheme == "Bearer" and key.startswith("SG.")
    _require(known, "The provided authorization grant is invalid, expired, or revoked", status=401)
    _require(key != "SG.unpaid", "Maximum credits exceeded", status=401)


def _wish(size_bytes: int, body: object) -> JsonDict:
    _require(size_bytes <= LARGEST_BYTES, "The request body is too large.", status=413)
    if not isinstance(body, dict):
        raise Wrong("Bad Request")
    return body


def _checked(wish: JsonDict) -> list[tuple[EmailMessage, list[str]]]:
    """The messages that SendGrid would send, one for each personalization, and who gets each."""
    groups, tags = wish.get("personalizations"), wish.get("categories", [])
    if not groups or not wish.get("from") or not wish.get("subject"):
        raise Wrong("The personalizations, from and subject fields are required.", "personalizations")
    verified = not wish["from"]["email"].endswith("@unverified.example")
    _require(verified, "The from address does not match a verified Sender Identity.", "from", status=403)
    few = len(tags) <= 10  # noqa: PLR2004 - SendGrid's rule
    _require(few, "You cannot have more than 10 categories per request.", "categories")
    _require(len(set(tags)) == len(tags), "The categories must be a unique list.", "categories")
    people = [_people(group) for group in groups]
    everybody = [one["email"] for some in people for one in some]
    single = len({one.lower() for one in everybody}) == len(everybody)
    _require(single, "Each email address in the personalization block should be unique.", "personalizations")
    right = all(one.isascii() and "@" in one for one in everybody)
    _require(right, "Does not contain a valid address.", "personalizations.0.to")
    # Names are cut at commas and semicolons; pieces that are no address are dropped.
    reached = [[one["email"] for one in some if not CUT.intersection(one.get("name", ""))] for some in people]
    return [(_message(wish, group), some) for group, some in zip(groups, reached, strict=True)]


def _people(group: JsonDict) -> list[JsonDict]:
    _require(group.get("to"), "The to array must have at least one email object.", "personalizations.0.to")
    return [one for kind in ("to", "cc", "bcc") for one in group.get(kind, [])]


def _message(wish: JsonDict, group: JsonDict) -> EmailMessage:
    message = EmailMessage()
    message["From"] = _address(wish["from"])
    for kind in ("to", "cc"):
        if group.get(kind):
            message[kind.title()] = [_address(one) for one in group[kind]]
    if wish.get("reply_to"):
        message["Reply-To"] = _address(wish["reply_to"])
    message["Subject"] = wish["subject"]
    for name, value in wish.get("headers", {}).items():
        _require(name.lower() not in RESERVED, "The header name is reserved.", f"headers.{name}")
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
    words = "If present, text/plain and text/html may only be provided once, text/plain first."
    _require(kinds and kinds == order, words, "content")
    for number, one in enumerate(content):
        kind, _, parameters = one["type"].partition(";")
        named = dict([parameters.strip().split("=", 1)]) if parameters else {}
        write = message.add_alternative if number else message.set_content
        write(one["value"], subtype=kind.partition("/")[2], params=named)


def _attach(message: EmailMessage, file: JsonDict) -> None:
    kind = file.get("type", "application/octet-stream")
    _require(not LINE.intersection(kind), "The type cannot contain ';', or CRLF characters.", "attachments")
    _require(file["content"], "The content must be at least one character in length.", "attachments")
    odd = (CUT | LINE).intersection(file["filename"])
    _require(not odd, "The filename cannot contain ';', ',', or CRLF characters.", "attachments")
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
