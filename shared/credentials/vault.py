"""Envelope encryption of credentials: values under data keys, data keys under KMS.

Every company has one data key per purpose. KMS wraps it under the context ``{company, purpose}``, and each
function's grant names the purposes it may open, so the public door can open webhook secrets and nothing else.
A value's associated data binds it to its company, provider, field and key version: moved to another row it
does not open. Why it is built so: docs/decisions/0003-vault.md.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.companies.names import SCHEMA_VERSION, company_pk, is_company_id
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import GiveUp, RetryLater
from shared.platform.secret import Secret
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

FORMAT = 1
NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1
TAG_BYTES = 16
KEY_VERSION_BYTES = 4
HEADER_BYTES = 1 + KEY_VERSION_BYTES
FIRST_KEY_VERSION = 1

CACHE_SECONDS = 300.0
CACHE_USES = 1_000
CACHE_KEYS = 512

# What a provider's credentials are for. A purpose is what KMS grants are conditioned on.
PURPOSES = {
    "chatwoot_webhook": "webhook",
    "chatwoot": "chatwoot",
    "google": "oauth",
    "calendly": "oauth",
    "email": "email",
    "openai": "model",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PASSING = {
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "KeyUnavailableException",
    "ServiceUnavailable",
    "InternalFailure",
}


class CredentialUnreadable(GiveUp):
    """A stored credential does not open: it was changed, or it belongs to another company, field or key."""

    default_reason = "credential_unreadable"


class KeyServiceRefused(GiveUp):
    """KMS refuses: no grant, or the key is disabled or gone. Retries do not help, an operator does."""

    default_reason = "kms_refused"


@dataclass
class _CachedKey:
    cipher: AESGCM
    expires: float
    uses_left: int


class _KeyCache:
    """Opened data keys in memory, bounded in age, uses and number; shared by all threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: OrderedDict[tuple[str, str, int], _CachedKey] = OrderedDict()

    def take(self, name: tuple[str, str, int]) -> AESGCM | None:
        """A key for one use, or ``None`` where there is none or it is used up."""
        with self._lock:
            found = self._keys.get(name)
            if found is None:
                return None
            if found.expires <= self._clock.monotonic() or found.uses_left <= 0:
                del self._keys[name]
                return None
            found.uses_left -= 1
            self._keys.move_to_end(name)
            return found.cipher

    def keep(self, name: tuple[str, str, int], key: bytes) -> AESGCM:
        """Remember a key just opened; this is its first use."""
        cipher = AESGCM(key)
        with self._lock:
            expires = self._clock.monotonic() + CACHE_SECONDS
            self._keys[name] = _CachedKey(cipher, expires, CACHE_USES - 1)
            while len(self._keys) > CACHE_KEYS:
                self._keys.popitem(last=False)
        return cipher


class Vault:
    """Seals and opens credentials.

    Args:
        kms: a KMS client.
        table: the credentials table, which holds the wrapped data keys.
        key_arn: the KMS key that wraps them.
        clock: for the cache's bound on age.
    """

    def __init__(self, kms: KMSClient, table: Table, key_arn: str, clock: Clock) -> None:
        self._kms = kms
        self._table = table
        self._key_arn = key_arn
        self._clock = clock
        self._cache = _KeyCache(clock)

    def seal(self, company_id: str, provider: str, field: str, plaintext: Secret) -> bytes:
        """Encrypt a value for one row: version byte, key version, nonce, ciphertext with its tag.

        Raises:
            RetryLater: KMS does not answer now.
            KeyServiceRefused: KMS will not do it.
        """
        purpose = _purpose(company_id, provider, field)
        version, cipher = self._newest(company_id, purpose)
        header = bytes([FORMAT]) + version.to_bytes(KEY_VERSION_BYTES, "big")
        bound_to = _associated_data(header, company_id, provider, field)
        nonce = os.urandom(NONCE_BYTES)
        return header + nonce + cipher.encrypt(nonce, plaintext.reveal().encode(), bound_to)

    def open(self, company_id: str, provider: str, field: str, sealed: bytes) -> Secret:
        """Decrypt what `seal` wrote for the same row. Costs no call to KMS while the data key is warm.

        Raises:
            CredentialUnreadable: it was not sealed for this row, or was changed.
            RetryLater: KMS does not answer now.
            KeyServiceRefused: KMS will not do it.
        """
        purpose = _purpose(company_id, provider, field)
        if len(sealed) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES or sealed[0] != FORMAT:
            raise CredentialUnreadable(f"the stored {provider} {field} is not in a format we write")
        header, rest = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
        cipher = self._cipher(company_id, purpose, int.from_bytes(header[1:], "big"))
        bound_to = _associated_data(header, company_id, provider, field)
        try:
            plain = cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], bound_to)
        except InvalidTag:
            raise CredentialUnreadable(
                f"the stored {provider} {field} was changed or belongs elsewhere"
            ) from None
        return Secret(plain.decode())

    def _cipher(self, company_id: str, purpose: str, version: int) -> AESGCM:
        name = (company_id, purpose, version)
        warm = self._cache.take(name)
        if warm is not None:
            return warm
        item = self._table.get(_key_row(company_id, purpose, version), consistent=True)
        if item is None:
            raise CredentialUnreadable(f"data key {version} for {purpose} of this company does not exist")
        return self._cache.keep(name, self._unwrap(company_id, purpose, item["wrapped"]))

    def _newest(self, company_id: str, purpose: str) -> tuple[int, AESGCM]:
        prefix = _key_row(company_id, purpose, None).sk
        found = self._table.query(
            company_pk(company_id), prefix=prefix, newest_first=True, limit=1, consistent=True
        )
        if not found:
            return FIRST_KEY_VERSION, self._first(company_id, purpose)
        version = int(found[0]["sk"].removeprefix(prefix))
        return version, self._cipher(company_id, purpose, version)

    def _first(self, company_id: str, purpose: str) -> AESGCM:
        """Make the first data key. Of two makers at once one wins, and both then use the winner's."""
        plain, wrapped = self._generate(company_id, purpose)
        item: Item = {
            **_key_row(company_id, purpose, FIRST_KEY_VERSION).as_item(),
            "v": SCHEMA_VERSION,
            "wrapped": wrapped,
            "kms_key": self._key_arn,
            "created_at": epoch_milliseconds(self._clock.now()),
        }
        try:
            self._table.put(item, "attribute_not_exists(pk)")
        except ConditionFailed:
            return self._cipher(company_id, purpose, FIRST_KEY_VERSION)
        return self._cache.keep((company_id, purpose, FIRST_KEY_VERSION), plain)

    def _generate(self, company_id: str, purpose: str) -> tuple[bytes, bytes]:
        try:
            answer = self._kms.generate_data_key(
                KeyId=self._key_arn, KeySpec="AES_256", EncryptionContext=_context(company_id, purpose)
            )
        except (ClientError, BotoCoreError) as error:
            raise _refusal(error) from error
        return answer["Plaintext"], answer["CiphertextBlob"]

    def _unwrap(self, company_id: str, purpose: str, wrapped: bytes) -> bytes:
        try:
            answer = self._kms.decrypt(
                KeyId=self._key_arn,
                CiphertextBlob=wrapped,
                EncryptionContext=_context(company_id, purpose),
            )
        except (ClientError, BotoCoreError) as error:
            raise _refusal(error) from error
        return answer["Plaintext"]


def _context(company_id: str, purpose: str) -> dict[str, str]:
    return {"company": company_id, "purpose": purpose}


def _purpose(company_id: str, provider: str, field: str) -> str:
    if not is_company_id(company_id) or provider not in PURPOSES or not _NAME.fullmatch(field):
        raise ValueError("a credential needs a company id, a known provider and a field name")
    return PURPOSES[provider]


def _key_row(company_id: str, purpose: str, version: int | None) -> Key:
    """Where a data key stands; without a version: the beginning that all of a purpose share."""
    number = "" if version is None else f"{version:010d}"
    return Key(company_pk(company_id), f"datakey#{purpose}#{number}")


def _associated_data(header: bytes, *parts: str) -> bytes:
    """Header and names, each name led by its length: no two sets of names give the same bytes."""
    encoded = [part.encode() for part in parts]
    return header + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _refusal(error: ClientError | BotoCoreError) -> RetryLater | GiveUp:
    if not isinstance(error, ClientError):
        return RetryLater("KMS could not be reached", reason="kms_unavailable")
    code = error.response["Error"]["Code"]
    if code in _PASSING:
        return RetryLater(f"KMS answered {code}", reason="kms_unavailable")
    if code == "InvalidCiphertextException":
        return CredentialUnreadable("the data key was made for another company or purpose")
    return KeyServiceRefused(f"KMS answered {code}")
