"""Amazon SES: the local AWS judges each call, and the message that it took is kept.

The local AWS can relay mails by itself (its ``SMTP_HOST``), but writes them anew from their text and HTML:
files, invitations and headers are lost. So the simulator stands before it, passes every call on as it came,
its signature with it, and keeps the message out of the call once the local AWS has said yes.
"""

from __future__ import annotations

import base64
import json
import re
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from flask import Blueprint, Response, request

from local.faults import html_page

if TYPE_CHECKING:
    from local.faults import Fault
    from local.mail_simulator.kept import Post

PATH = "/v2/email/outbound-emails"
TIMEOUT_SECONDS = 8.0  # below the ten that our client waits
# They belong to one connection, not to the call (RFC 9110 section 7.6.1); the length is written anew.
_NOT_PASSED = {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
_KIND = "x-amzn-errortype"
# A header with its folded lines.
_REPLACED = re.compile(rb"^(?:Message-ID|Date):.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE | re.MULTILINE)


def blueprint(post: Post, aws_url: str) -> Blueprint:
    """The call, as a part of the application.

    Args:
        post: where mails go.
        aws_url: the local AWS.
    """
    part = Blueprint("ses", __name__)

    @part.post(PATH)
    def send() -> Response:
        wish = request.get_json(silent=True) or {}
        if not wish.get("Content", {}).get("Raw"):
            return _error(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", "only raw messages are simulated")
        try:
            answer = _passed_on(aws_url)
        except requests.RequestException:
            return _error(
                HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "the local AWS does not answer"
            )
        if answer.ok:
            _keep(post, wish, answer.json()["MessageId"])
        headers = {_KIND: answer.headers[_KIND]} if _KIND in answer.headers else None
        kind = answer.headers.get("Content-Type", "application/json")
        return Response(answer.content, answer.status_code, headers, content_type=kind)

    return part


def refusal(fault: Fault) -> Response | None:
    """What a fault answers in place of SES: its ``body`` is the error's name."""
    if fault.status is None or fault.body == "html":
        return html_page(fault)
    return _error(fault.status, fault.body or "BadRequestException", "a fault that was switched on")


def replaced(message: bytes, message_id: str) -> bytes:
    """A message as SES sends it on: with a Message-ID and a date of its own, and not a byte else changed.

    Args:
        message: with CRLF line ends.
        message_id: what the call was answered.
    """
    head, blank, body = message.partition(b"\r\n\r\n")
    own = f"Message-ID: <{message_id}>\r\nDate: {formatdate()}\r\n".encode()
    return own + _REPLACED.sub(b"", head + b"\r\n").removesuffix(b"\r\n") + blank + body


def _passed_on(aws_url: str) -> requests.Response:
    """The call at the local AWS, byte for byte: its signature covers the body, the path and the host."""
    with requests.Session() as connection:
        connection.trust_env = False
        connection.headers.clear()
        headers = {name: value for name, value in request.headers if name.lower() not in _NOT_PASSED}
        return connection.post(aws_url + PATH, request.get_data(), headers=headers, timeout=TIMEOUT_SECONDS)


def _keep(post: Post, wish: dict[str, Any], message_id: str) -> None:
    people = [one for kind in wish.get("Destination", {}).values() for one in kind]
    tags = {tag["Name"]: tag["Value"] for tag in wish.get("EmailTags", [])}
    raw = base64.b64decode(wish["Content"]["Raw"]["Data"])
    extras = {"tags": tags, "configuration set": wish.get("ConfigurationSetName") or "none"}
    post.keep("ses", wish["FromEmailAddress"], people, replaced(raw, message_id), extras)


def _error(status: int, name: str, words: str) -> Response:
    """An error as SES words it."""
    return Response(json.dumps({"message": words}), status, {_KIND: name}, mimetype="application/json")
