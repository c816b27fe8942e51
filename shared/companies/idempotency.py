"""POSTs that may be repeated: the same ``Idempotency-Key`` gets the same answer, and the act happens once.

An answer can hold a new API key, which is stored nowhere in plain. So answers are sealed under a key made of
the caller's own API key and the idempotency key: only who repeats the request can open its answer.
Source of the rules: the IETF draft "The Idempotency-Key HTTP Header Field".
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.companies.names import SCHEMA_VERSION, owner_pk
from shared.platform.errors import Conflict, InvalidInput
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from shared.platform.clock import Clock
    from shared.platform.secret import Secret
    from shared.platform.tables import Item, Table

KEPT_SECONDS = 24 * 3600
# Longer than a function may run: whoever began it has ended, with or without an answer.
ABANDONED_SECONDS = 60
LONGEST_KEY = 255
LARGEST_ANSWER_BYTES = 100_000
NONCE_BYTES = 12


class Repeat:
    """One request that may be a repetition.

    Args:
        table: the companies table.
        clock: for ages.
        owner: who calls.
        bearer: the caller's API key.
        key: the request's ``Idempotency-Key``.
    """

    def __init__(self, table: Table, clock: Clock, owner: str, bearer: Secret, key: str) -> None:
        if not key.isprintable() or not 0 < len(key) <= LONGEST_KEY:
            raise InvalidInput(
                f"Idempotency-Key must have 1 to {LONGEST_KEY} printable characters",
                reason="bad_idempotency_key",
            )
        self._table = table
        self._clock = clock
        material = f"{bearer.reveal()}\n{key}".encode()
        self._row = Key(owner_pk(owner), f"repeat#{hashlib.sha256(material).hexdigest()}")
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, b"frontdesk idempotent answer").derive(material))

    def begin(self, request: bytes) -> bytes | None:
        """Ask whether the act may begin.

        Args:
            request: everything that makes this request this request.

        Returns:
            The answer of the first time, or ``None``: go ahead.

        Raises:
            Conflict: the first one is still running.
            InvalidInput: (422) the key was used for another request.
        """
        fingerprint = hashlib.sha256(request).hexdigest()
        now = int(self._clock.now().timestamp())
        item: Item = {
            **self._row.as_item(),
            "v": SCHEMA_VERSION,
            "fingerprint": fingerprint,
            "begun_at": now,
            "expires_at": now + KEPT_SECONDS,
        }
        try:
            self._table.put(
                item,
                "attribute_not_exists(pk) OR expires_at <= :now "
                "OR (attribute_not_exists(sealed) AND begun_at <= :abandoned)",
                {":now": now, ":abandoned": now - ABANDONED_SECONDS},
            )
        except ConditionFailed:
            return self._earlier(fingerprint)
        return None

    def finish(self, answer: bytes) -> None:
        """Keep the answer for whoever asks again."""
        if len(answer) > LARGEST_ANSWER_BYTES:
            self.abandon()
            return
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, answer, self._row.sk.encode())
        self._table.update(self._row, "SET sealed = :sealed", values={":sealed": sealed})

    def abandon(self) -> None:
        """Nothing was done: the same key may be used again at once."""
        self._table.delete(self._row)

    def _earlier(self, fingerprint: str) -> bytes:
        item = self._table.get(self._row, consistent=True)
        if item is not None and item["fingerprint"] != fingerprint:
            raise InvalidInput(
                "this Idempotency-Key was used for another request",
                reason="idempotency_key_reused",
                status=422,
            )
        if item is None or "sealed" not in item:
            raise Conflict("the same request is being worked on; ask again in a moment", reason="in_progress")
        sealed = item["sealed"]
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._row.sk.encode())
