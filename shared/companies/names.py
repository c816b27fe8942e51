"""Where a company's items stand in the tables, and which company ids exist at all."""

from __future__ import annotations

import re

_COMPANY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

# The owner of the operator's own API keys and audit records; never a company's id.
OPERATOR = "operator"
_RESERVED = {OPERATOR, "schema"}

DOCUMENT = "document"
CONNECTION = "connection#chatwoot"
DIRECTORY_PK = "directory"
SCHEMA_VERSION = 1


def is_company_id(text: object) -> bool:
    """Whether this can be a company's id: 1 to 40 small letters, digits and dashes, not reserved."""
    return isinstance(text, str) and _COMPANY_ID.fullmatch(text) is not None and text not in _RESERVED


def company_pk(company_id: str) -> str:
    """The partition of everything a company has in the tables ``companies`` and ``credentials``."""
    return f"company#{company_id}"


def owner_pk(owner: str) -> str:
    """The partition of an owner of API keys and audit records: a company, or the operator."""
    return OPERATOR if owner == OPERATOR else company_pk(owner)


def trail_pk(month: str) -> str:
    """The partition of everybody's audit records of a month, such as ``2026-11``.

    Functions may add to partitions that begin so, and may not change or delete in them
    (`infra.constructs.grants`).
    """
    return f"audit#{month}"


def account_pk(account_id: int) -> str:
    """The partition of the claims on inboxes of accounts with this number."""
    return f"account#{account_id}"


def server_sk(origin: str) -> str:
    """The claims on inboxes of an account on one server."""
    return f"server#{origin}"
