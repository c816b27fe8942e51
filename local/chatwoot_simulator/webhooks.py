"""One attempt to tell somebody of an event: signed when it is sent, five seconds' patience, no redirects."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import requests

TIMEOUT_SECONDS = 5.0  # for the connection, and again for the answer
# Rails escapes these in JSON and leaves everything else as UTF-8.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def post(target: dict[str, Any], delivery_id: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Send an event to ``url``, signed with ``secret`` over ``timestamp.body``.

    Returns:
        The delivery, and what became of it: ``status``, ``answer`` and ``error``.
    """
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    body, timestamp = text.encode("utf-8", "replace"), str(int(time.time()))
    signed = hmac.new(target["secret"].encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    headers = {"X-Chatwoot-Timestamp": timestamp, "X-Chatwoot-Signature": f"sha256={signed.hexdigest()}"}
    headers |= {"X-Chatwoot-Delivery": delivery_id, "Content-Type": "application/json"}
    told = {**target, "event": payload["event"], "delivery_id": delivery_id, "body": text, "at": time.time()}
    try:
        with requests.Session() as session:
            session.trust_env, session.max_redirects = False, 0  # no proxy of the shell before loopback
            answer = session.post(target["url"], data=body, headers=headers, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        return {**told, "status": None, "answer": "", "error": type(error).__name__}
    failed = "" if answer.ok else f"{answer.status_code} {answer.reason}"
    return {**told, "status": answer.status_code, "answer": answer.text[:2000], "error": failed}
