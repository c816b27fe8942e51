"""Sending webhooks the way Chatwoot does: signed at send time, five seconds' patience, hardly any retry."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import requests

from local.chatwoot_simulator.records import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.chatwoot_simulator.records import JsonDict

_log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0  # for the connection, and again for the answer
THREADS = 10  # Sidekiq's default
BOT_ATTEMPTS = 3
RETRIED_STATUSES = (429, 500)
REMEMBERED_DELIVERIES = 5000
ANSWER_LIMIT = 2000
# Rails escapes these in JSON and leaves everything else as UTF-8.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Target:
    """Who is told: an account's webhook, an API inbox's, or an agent bot.

    Args:
        kind: ``account``, ``api_inbox`` or ``agent_bot``. Only bots' deliveries are retried.
        url: where to POST.
        secret: the key of the signature; "" sends unsigned.
    """

    kind: str
    url: str
    secret: str


@dataclass
class Delivery:
    """What became of one POST; a retry is a delivery of its own with the same ``delivery_id``."""

    number: int
    delivery_id: str
    kind: str
    url: str
    event: str
    attempt: int
    body: str
    secret: str
    at: float = field(default_factory=now)
    status: int | None = None
    answer: str = ""
    error: str = ""

    def shown(self) -> JsonDict:
        """The delivery without its key."""
        return {key: value for key, value in asdict(self).items() if key != "secret"}


def encode(payload: JsonDict) -> bytes:
    """The body's bytes as Rails writes them."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPES).encode("utf-8", "replace")


def headers(secret: str, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one POST; the signature covers ``timestamp.body``."""
    given = {"Content-Type": "application/json", "Accept": "application/json"}
    given["X-Chatwoot-Delivery"] = delivery_id
    if secret:
        digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        given |= {"X-Chatwoot-Timestamp": str(timestamp), "X-Chatwoot-Signature": f"sha256={digest}"}
    return given


def logged(work: Callable[..., None], *args: object) -> None:
    """Run a pool's job. A pool keeps errors to itself; a fault of the simulator must be seen."""
    try:
        work(*args)
    except Exception:
        _log.exception("a background job failed inside the simulator")
        raise


class WebhookSender:
    """Delivers from a pool of threads: soon, without a promise of order.

    Args:
        retry_wait_seconds: between a bot's attempts; Chatwoot waits about three seconds.
    """

    def __init__(self, retry_wait_seconds: float = 3.0) -> None:
        self._retry_wait_seconds = retry_wait_seconds
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="chatwoot-webhooks")
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._log: deque[Delivery] = deque(maxlen=REMEMBERED_DELIVERIES)
        self._count = 0

    def enqueue(self, target: Target, payload: Callable[[], JsonDict], failed: Callable[[str], None]) -> None:
        """Deliver soon.

        Args:
            target: who is told.
            payload: makes the body, called in the sending thread: what it shows may be newer than the event.
            failed: called with the error after the last attempt.
        """
        with self._lock:
            if not self._stopped.is_set():
                self._pool.submit(logged, self._deliver, target, payload, failed)

    def deliveries(self, after: int = 0) -> list[JsonDict]:
        """What was sent, oldest first, from the number after ``after`` on."""
        with self._lock:
            return [one.shown() for one in self._log if one.number > after]

    def repeat(self, number: int, *, as_new: bool) -> Delivery:
        """Send one delivery's body again, freshly signed.

        Args:
            number: of the delivery.
            as_new: under a new delivery id, as Chatwoot does when it emits one event twice (issue 11901).

        Raises:
            KeyError: there is no such delivery.
        """
        with self._lock:
            found = next((one for one in self._log if one.number == number), None)
        if found is None:
            raise KeyError(number)
        delivery_id = str(uuid.uuid4()) if as_new else found.delivery_id
        target = Target(found.kind, found.url, found.secret)
        return self._post(target, found.event, delivery_id, found.attempt + 1, found.body.encode())

    def forget(self) -> None:
        """Empty the list of deliveries; numbers go on."""
        with self._lock:
            self._log.clear()

    def close(self) -> None:
        """Stop: what waits is dropped, what is under way gets its five seconds."""
        with self._lock:
            self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _deliver(
        self, target: Target, payload: Callable[[], JsonDict], failed: Callable[[str], None]
    ) -> None:
        content = payload()
        body, delivery_id = encode(content), str(uuid.uuid4())
        attempts = BOT_ATTEMPTS if target.kind == "agent_bot" else 1
        for attempt in range(1, attempts + 1):
            delivery = self._post(target, content["event"], delivery_id, attempt, body)
            if not delivery.error or delivery.status not in RETRIED_STATUSES:
                break
            if attempt < attempts and self._stopped.wait(self._retry_wait_seconds):
                return
        if delivery.error:
            failed(delivery.error)

    def _post(self, target: Target, event: str, delivery_id: str, attempt: int, body: bytes) -> Delivery:
        with self._lock:
            self._count += 1
            number = self._count
        delivery = Delivery(
            number, delivery_id, target.kind, target.url, event, attempt, body.decode(), target.secret
        )
        given = headers(target.secret, delivery_id, int(now()), body)
        try:
            with requests.Session() as session:
                session.trust_env = (
                    False  # no proxy of the developer's shell stands before a loopback address
                )
                answer = session.post(
                    target.url, data=body, headers=given, timeout=TIMEOUT_SECONDS, allow_redirects=False
                )
            delivery.status, delivery.answer = answer.status_code, answer.text[:ANSWER_LIMIT]
            if not answer.ok or answer.is_redirect:
                delivery.error = f"{answer.status_code} {answer.reason}"
        except requests.RequestException as error:
            delivery.error = type(error).__name__
        with self._lock:
            self._log.append(delivery)
        return delivery
