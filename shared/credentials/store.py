"""Credentials at rest: one sealed item per company, provider and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.credentials.states import PREFIX as STATES
from shared.platform.tables import Key

if TYPE_CHECKING:
    from shared.credentials.key_service import KeyServiceCondition
    from shared.credentials.vault import Vault
    from shared.platform.secret import Secret
    from shared.platform.tables import Table


# What stands in a company's partition; the wrapped data keys are destroyed first.
_KINDS = {
    "datakey#": "data keys",
    "credential#": "credentials",
    "connection#": "connections",
    STATES: "consents under way",
}


class Credentials:
    """Reads and writes credentials. No method gives a value without being told company and provider.

    Args:
        vault: encrypts and decrypts.
        table: the credentials table.
    """

    def __init__(self, vault: Vault, table: Table) -> None:
        self._vault = vault
        self._table = table

    @property
    def vault(self) -> Vault:
        """What encrypts and decrypts."""
        return self._vault

    def put(self, company_id: str, provider: str, field: str, value: Secret) -> None:
        """Store a value in place of any earlier one."""
        item = {
            **_row(company_id, provider, field).as_item(),
            "v": SCHEMA_VERSION,
            "sealed": self._vault.seal(company_id, provider, field, value),
        }
        self._table.put(item)

    def get(self, company_id: str, provider: str, field: str) -> Secret | None:
        """One value, or ``None`` where there is none.

        Raises:
            CredentialUnreadable: it does not open for this row.
        """
        item = self._table.get(_row(company_id, provider, field), consistent=True)
        return self._vault.open(company_id, provider, field, item["sealed"]) if item else None

    def fields(self, company_id: str, provider: str) -> dict[str, Secret]:
        """Every value of one provider by its field, with one read.

        Raises:
            CredentialUnreadable: one of them does not open for its row.
        """
        prefix = _row(company_id, provider, "").sk
        found = self._table.query(company_pk(company_id), prefix=prefix, consistent=True)
        names = [(item["sk"].removeprefix(prefix), item["sealed"]) for item in found]
        return {name: self._vault.open(company_id, provider, name, sealed) for name, sealed in names}

    def names(self, company_id: str, provider: str) -> set[str]:
        """Which fields of a provider are stored; opens none of them."""
        prefix = _row(company_id, provider, "").sk
        found = self._table.query(company_pk(company_id), prefix=prefix, consistent=True)
        return {item["sk"].removeprefix(prefix) for item in found}

    def condition(self, company_id: str) -> KeyServiceCondition:
        """Whether what is stored can be opened; see `shared.credentials.vault.Vault.condition`."""
        return self._vault.condition(company_id)

    def delete(self, company_id: str, provider: str, field: str = "") -> None:
        """Remove one field of a provider, or all of them."""
        prefix = _row(company_id, provider, "").sk
        if field:
            self._table.delete(_row(company_id, provider, field))
            return
        for item in self._table.query(company_pk(company_id), prefix=prefix, consistent=True):
            self._table.delete(Key(item["pk"], item["sk"]))

    def stored(self, company_id: str) -> dict[str, int]:
        """How much of each kind is stored of a company; opens nothing."""
        pk = company_pk(company_id)
        return {
            what: len(self._table.query(pk, prefix=prefix, consistent=True))
            for prefix, what in _KINDS.items()
        }

    def forget(self, company_id: str) -> None:
        """Remove everything of a company, the wrapped data keys first: without them nothing opens again."""
        pk = company_pk(company_id)
        for prefix in _KINDS:
            for item in self._table.query(pk, prefix=prefix, consistent=True):
                self._table.delete(Key(pk, item["sk"]))


def _row(company_id: str, provider: str, field: str) -> Key:
    return Key(company_pk(company_id), f"credential#{provider}#{field}")
