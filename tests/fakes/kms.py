"""KMS's two calls in memory, in microseconds; the integration tests hold the vault against moto's."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class MemoryKms:
    """Wraps and opens data keys under any KMS key that is named to it; counts its calls.

    A key that is `disabled` refuses.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.disabled: set[str] = set()
        self._keys: dict[str, AESGCM] = {}

    def generate_data_key(self, **request: Any) -> dict[str, bytes]:  # noqa: ANN401 - KMS's own request
        """See KMS."""
        key = self._key("generate_data_key", request)
        plain, nonce = os.urandom(32), os.urandom(12)
        return {
            "Plaintext": plain,
            "CiphertextBlob": nonce + key.encrypt(nonce, plain, _context(request)),
        }

    def decrypt(self, **request: Any) -> dict[str, bytes]:  # noqa: ANN401 - the same
        """See KMS."""
        key, blob = self._key("decrypt", request), request["CiphertextBlob"]
        try:
            return {"Plaintext": key.decrypt(blob[:12], blob[12:], _context(request))}
        except InvalidTag:
            raise _refused("InvalidCiphertextException", "Decrypt") from None

    def _key(self, operation: str, request: dict[str, Any]) -> AESGCM:
        self.calls[operation] += 1
        arn = request["KeyId"]
        if arn in self.disabled:
            raise _refused("DisabledException", operation)
        return self._keys.setdefault(arn, AESGCM(os.urandom(32)))


def _context(request: dict[str, Any]) -> bytes:
    return repr(sorted(request["EncryptionContext"].items())).encode()


def _refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)
