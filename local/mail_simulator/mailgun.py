"""Mailgun's messages, as MIME, with the rules that senders run into."""

from __future__ import annotations

import base64
import binascii
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request

if TYPE_CHECKING:
    from local.mail_simulator.kept import Post

LARGEST_BYTES = 25 * 1024 * 1024
MOST_RECIPIENTS = 1000


def blueprint(post: Post) -> Blueprint:
    """The call, as a part of the application."""
    part = Blueprint("mailgun", __name__)

    @part.post("/v3/<domain>/messages.mime")
    def send(domain: str) -> tuple[Response | str, int]:
        if not _has_key(request.headers.get("Authorization", "")):
            return "Forbidden", 401  # a plain text, as it comes from Mailgun
        refusal = _refusal(domain, request.form.getlist("to"))
        if refusal:
            return jsonify({"message": refusal[1]}), refusal[0]
        raw = request.files["message"].read()
        if len(raw) > LARGEST_BYTES:
            return jsonify({"message": "Message exceeds the size limit"}), 413
        message = message_from_bytes(raw, policy=default)
        extras = {
            "tags": request.form.getlist("o:tag"),
            "variables": {k[2:]: v for k, v in request.form.items() if k.startswith("v:")},
        }
        post.keep("mailgun", str(message["From"]), request.form.getlist("to"), raw, extras)
        return jsonify({"id": str(message["Message-ID"]), "message": "Queued. Thank you."}), 200

    return part


def _has_key(header: str) -> bool:
    scheme, _, coded = header.partition(" ")
    try:
        user, _, key = base64.b64decode(coded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme == "Basic" and user == "api" and key.startswith("key-")


def _refusal(domain: str, people: list[str]) -> tuple[int, str] | None:
    if domain == "elsewhere.example":
        return 404, f"Domain not found: {domain}"
    if domain.startswith("sandbox"):
        return (
            403,
            "Free accounts are for test purposes only. Please add the address to the authorized recipients.",
        )
    if domain == "unpaid.example":
        return 402, "Payment required"
    if not people or "message" not in request.files:
        return 400, "to parameter is missing"
    if len(people) > MOST_RECIPIENTS or not all("@" in one for one in people):
        return 400, "to parameter is not a valid address. please check documentation"
    return None
