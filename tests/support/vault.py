"""A vault on moto, with a KMS that counts its calls and fails on demand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from shared.credentials.store import Credentials
from shared.credentials.vault import Vault
from shared.platform.tables import Key
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from shared.platform.tables import Item, Table
    from tests.fakes.clock import FakeClock


class CountingKms:
    """KMS with a count of the calls, which fails on demand.

    Args:
        kms: the one that does the work.
    """

    def __init__(self, kms: KMSClient) -> None:
        self._kms = kms
        self.calls: list[str] = []
        self.failure: Exception | None = None
        # Cleared, calls wait until it is set again: the time in which others come along.
        self.answers = threading.Event()
        self.answers.set()

    def create_key(self) -> Any:  # noqa: ANN401 - KMS's own answer
        """See KMS."""
        return self._kms.create_key()

    def generate_data_key(self, **request: Any) -> Any:  # noqa: ANN401 - KMS's own answer
        """See KMS."""
        return self._call("generate_data_key", request)

    def decrypt(self, **request: Any) -> Any:  # noqa: ANN401 - the same
        """See KMS."""
        return self._call("decrypt", request)

    def _call(self, name: str, request: dict[str, Any]) -> Any:  # noqa: ANN401 - the same
        self.calls.append(name)
        self.answers.wait(10)
        if self.failure is not None:
            raise self.failure
        return getattr(self._kms, name)(**request)


class World:
    """A table, a KMS key, and vaults that use them.

    Args:
        dynamodb: the table's client.
        kms: the key's client.
        clock: everybody's clock.
    """

    def __init__(self, dynamodb: DynamoDBClient, kms: KMSClient, clock: FakeClock) -> None:
        self.table: Table = AtomicTable(make_table(dynamodb, "credentials"))
        self.kms = CountingKms(kms)
        self.key_arn = kms.create_key()["KeyMetadata"]["Arn"]
        self.clock = clock
        self.vault = self.fresh_vault()
        self.credentials = Credentials(self.vault, self.table)

    def fresh_vault(self) -> Vault:
        """A vault with nothing in its memory."""
        return Vault(self.kms, self.table, self.key_arn, self.clock)  # type: ignore[arg-type]

    def fresh_credentials(self) -> Credentials:
        """The credentials as a new process sees them."""
        return Credentials(self.fresh_vault(), self.table)

    def row(self, company_id: str, sk: str) -> Item:
        """An item as it stands."""
        item = self.table.get(Key(f"company#{company_id}", sk))
        assert item is not None
        return item
