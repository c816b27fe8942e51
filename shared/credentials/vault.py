"""Envelope encryption of credentials: values under data keys, data keys under KMS.

Every company has one data key per purpose. KMS wraps it under the context ``{company, purpose}``, and each
function's grant names the purposes it may open, so the public door can open webhook secrets and nothing else.
A value's associated data binds it to its company, provider, field and key version: moved to another row it
does not open. Why it is built so: docs/decisions/0003-vault.md.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

from shared.companies.names import SCHEMA_VERSION, company_pk, is_company_id
from shared.credentials.key_cache import CACHE_SECONDS, KeyCache
from shared.credentials.key_service import (
    CredentialUnreadable,
    KeyService,
    KeyServiceCondition,
    KeyServiceRefused,
)
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import GiveUp, RetryLater
from shared.platform.secret import Secret
from shared.platform.tables import Check, ConditionFailed, Key, Put

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from mypy_boto3_kms import KMSClient

    from shared.credentials.key_cache import KeyName
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

__all__ = ["CredentialUnreadable", "KeyServiceRefused", "Vault"]

FORMAT = 1
NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1
TAG_BYTES = 16
KEY_VERSION_BYTES = 4
HEADER_BYTES = 1 + KEY_VERSION_BYTES
FIRST_KEY_VERSION = 1
KEYS_PREFIX = "datakey#"

# While KMS fails, one process asks it so often at most, only to say how it is.
ASK_AGAIN_SECONDS = 60.0

# What a provider's credentials are for. A purpose is what KMS grants are conditioned on.
PURPOSES = {
    "chatwoot_webhook": "webhook",
    "chatwoot": "chatwoot",
    "google": "oauth",
    "calendly": "oauth",
    "microsoft": "oauth",
    "generic_calendar": "oauth",
    "email": "email",
    "email_webhook": "email",
    "openai": "model",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Vault:
    """Seals and opens credentials.

    Args:
        kms: a KMS client.
        table: the credentials table, which holds the wrapped data keys.
        key_arn: the KMS key that wraps them.
        clock: for the cache's bound on age.
    """

    def __init__(self, kms: KMSClient, table: Table, key_arn: str, clock: Clock) -> None:
        self._service = KeyService(kms, key_arn, clock)
        self._table = table
        self._clock = clock
        self._cache = KeyCache(clock)

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
        version = version_of(sealed)
        if version is None:
            raise CredentialUnreadable(f"the stored {provider} {field} is not in a format we write")
        header, rest = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
        name = (company_id, purpose, version)
        bound_to = _associated_data(header, company_id, provider, field)
        try:
            plain = self._decrypted(name, rest, bound_to)
        except InvalidTag:
            raise CredentialUnreadable(
                f"the stored {provider} {field} was changed or belongs elsewhere"
            ) from None
        return Secret(plain.decode())

    def condition(self, company_id: str) -> KeyServiceCondition:
        """Whether data keys can be opened, for a look at health; never raises for KMS.

        KMS is asked only when nothing is known: after a success no sooner than the success stops keeping
        work going (`CACHE_SECONDS`), after a failure once in `ASK_AGAIN_SECONDS`. What it opens stays warm.

        Args:
            company_id: whose data key to try where none was tried lately.
        """
        heard, now = self._service.heard, self._clock.monotonic()
        if heard is not None:
            fresh_seconds = ASK_AGAIN_SECONDS if heard.reason else CACHE_SECONDS
            if now - heard.heard_at < fresh_seconds:
                return heard
        found = self._table.query(company_pk(company_id), prefix=KEYS_PREFIX, limit=1, consistent=True)
        if found:
            _, purpose, version = found[0]["sk"].split("#")
            with suppress(RetryLater, GiveUp):
                self._opened((company_id, purpose, int(version)), found[0])
        return self._service.heard or KeyServiceCondition()

    def _decrypted(self, name: KeyName, rest: bytes, bound_to: bytes) -> bytes:
        nonce, ciphertext = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
        warm = self._cache.take(name)
        if warm is not None:
            try:
                return warm.decrypt(nonce, ciphertext, bound_to)
            except InvalidTag:
                # Perhaps the company was forgotten and made anew, and this process remembers the old key.
                pass
        return self._cipher(name).decrypt(nonce, ciphertext, bound_to)

    def _cipher(self, name: KeyName) -> AESGCM:
        item = self._table.get(key_row(*name), consistent=True)
        if item is None:
            _, purpose, version = name
            raise CredentialUnreadable(f"data key {version} for {purpose} of this company does not exist")
        return self._cache.take(name, item["wrapped"]) or self._opened(name, item)

    def _opened(self, name: KeyName, item: Item) -> AESGCM:
        company_id, purpose, _version = name
        wrapped, wrapped_by = item["wrapped"], item.get("kms_key", self._service.key_arn)
        return self._cache.open_once(
            name, wrapped, lambda: self._service.unwrap(company_id, purpose, wrapped, wrapped_by)
        )

    def _newest(self, company_id: str, purpose: str) -> tuple[int, AESGCM]:
        """The key that seals, looked up in the table each time.

        A key that a process only remembers as the newest may be about to be destroyed by a rotation.
        """
        prefix = f"{KEYS_PREFIX}{purpose}#"
        found = self._table.query(
            company_pk(company_id), prefix=prefix, newest_first=True, limit=1, consistent=True
        )
        if not found:
            return FIRST_KEY_VERSION, self.add_key(company_id, purpose, FIRST_KEY_VERSION)
        version = int(found[0]["sk"].removeprefix(prefix))
        name = (company_id, purpose, version)
        return version, self._cache.take(name, found[0]["wrapped"]) or self._opened(name, found[0])

    def add_key(self, company_id: str, purpose: str, version: int, **marks: str) -> AESGCM:
        """Make a data key. Of two makers at once one wins, and both then use the winner's.

        Args:
            company_id: whose it is.
            purpose: what it is for.
            version: its number; the highest there is seals.
            marks: more attributes of its item.

        Raises:
            CredentialUnreadable: the key that it should follow is gone.
            RetryLater: KMS does not answer now.
            KeyServiceRefused: KMS will not do it.
        """
        plain, wrapped = self._service.generate(company_id, purpose)
        name = (company_id, purpose, version)
        item: Item = {
            **key_row(*name).as_item(),
            "v": SCHEMA_VERSION,
            "wrapped": wrapped,
            "kms_key": self._service.key_arn,
            "created_at": epoch_milliseconds(self._clock.now()),
            **marks,
        }
        try:
            self._write_key(
                item, None if version == FIRST_KEY_VERSION else key_row(company_id, purpose, version - 1)
            )
        except ConditionFailed:
            return self._cipher(name)
        return self._cache.keep(name, wrapped, plain)

    def _write_key(self, item: Item, follows: Key | None) -> None:
        """A later key only follows an earlier: that of a company forgotten meanwhile is not made again."""
        if follows is None:
            self._table.put(item, "attribute_not_exists(pk)")
            return
        must_stand = Check(follows, "attribute_exists(pk)")
        self._table.transact([must_stand, Put(item, "attribute_not_exists(pk)")])


def _purpose(company_id: str, provider: str, field: str) -> str:
    if not is_company_id(company_id) or provider not in PURPOSES or not _NAME.fullmatch(field):
        raise ValueError("a credential needs a company id, a known provider and a field name")
    return PURPOSES[provider]


def version_of(sealed: bytes) -> int | None:
    """Which data key a value is sealed under; ``None`` where it is nothing that we sealed."""
    if len(sealed) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES or sealed[0] != FORMAT:
        return None
    return int.from_bytes(sealed[1:HEADER_BYTES], "big")


def key_row(company_id: str, purpose: str, version: int) -> Key:
    """Where a data key stands."""
    return Key(company_pk(company_id), f"{KEYS_PREFIX}{purpose}#{version:010d}")


def _associated_data(header: bytes, *parts: str) -> bytes:
    """Header and names, each name led by its length: no two sets of names give the same bytes."""
    encoded = [part.encode() for part in parts]
    return header + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
