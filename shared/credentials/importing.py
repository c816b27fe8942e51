"""Connections of an older program, out of a CSV export of its PostgreSQL table ``oauth_credentials``.

Its columns are `COLUMNS`; the two tokens are Fernet tokens. Each row becomes one verdict before anything is
written, so that a dry run shows exactly what would happen. A row that cannot be read is told and stops no
other. What a verdict shows holds no secret.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.companies.names import is_company_id
from shared.credentials.connections import NewConnection
from shared.platform.clock import in_utc
from shared.platform.errors import Conflict, FrontdeskError, InvalidInput
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from shared.credentials.connections import Connections

COLUMNS = (
    "company_id",
    "provider",
    "access_token",
    "refresh_token",
    "expires_at",
    "scopes",
    "is_active",
    "metadata",
)
# How the older program and its forks call the providers, in small letters with _ for every other mark.
PROVIDER_NAMES = {
    "google": "google",
    "google_calendar": "google",
    "googlecalendar": "google",
    "gcal": "google",
    "google_oauth2": "google",
    "calendly": "calendly",
}
_TRUE, _FALSE = {"t", "true", "1", "yes", "y", "on"}, {"f", "false", "0", "no", "n", "off"}
_NOTHING = {"", "null", "none", "\\n"}
_LARGEST_FIELD_BYTES = 1_000_000
# What metadata may hold that later calls need, by provider.
_SETTINGS = {"calendly": ("organization_uri", "user_uri"), "google": ()}
_ACCOUNT_IDS = {"google": ("sub", "account_id", "user_id"), "calendly": ("user_uri", "account_id")}
_EMAILS = ("email", "account_email", "user_email")

Fate = Literal["import", "imported", "kept", "skipped", "failed"]


@dataclass(frozen=True)
class Verdict:
    """What happens to one row.

    Args:
        line: its line in the file, the head being line 1.
        company_id: the company here; the older id where none is known.
        provider: the provider here; the older name where none is known.
        fate: ``import`` in a dry run, then ``imported``; ``kept`` where a connection stands already.
        note: why, or what is worth knowing; no secret.
        connection: what would be stored.
        expires_at: until when the access token is good; ``None`` where that is unknown.
    """

    line: int
    company_id: str
    provider: str
    fate: Fate
    note: str = ""
    connection: NewConnection | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """For the table and for programs."""
        return {
            "line": self.line,
            "company_id": self.company_id,
            "provider": self.provider,
            "fate": self.fate,
            "note": self.note,
        }


class _Skip(Exception):
    """The row is not imported."""

    def __init__(self, fate: Fate, note: str) -> None:
        super().__init__(note)
        self.fate = fate
        self.note = note


def fernet_keys(text: str) -> MultiFernet:
    """Keys out of a key file: one a line or separated by commas, the order does not matter.

    Raises:
        InvalidInput: there is none, or one is no Fernet key; its number is told, not its text.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    words = [word.strip() for line in lines for word in line.split(",") if word.strip()]
    keys = []
    for number, word in enumerate(words, 1):
        try:
            keys.append(Fernet(word))
        except ValueError:
            raise InvalidInput(f"key {number} of the key file is no Fernet key") from None
    if not keys:
        raise InvalidInput("the key file holds no key")
    return MultiFernet(keys)


def read_rows(lines: Iterable[str]) -> list[dict[str, str]]:
    """The rows of the export.

    Raises:
        InvalidInput: it is no CSV, or a column is missing.
    """
    csv.field_size_limit(_LARGEST_FIELD_BYTES)
    reader = csv.DictReader(lines)
    try:
        found = {(name or "").strip().lower() for name in reader.fieldnames or []}
        missing = [name for name in COLUMNS if name not in found]
        if missing:
            raise InvalidInput(f"the file has no column {', '.join(missing)}: export it with a header")
        return [{(name or "").strip().lower(): value or "" for name, value in row.items()} for row in reader]
    except csv.Error as error:
        raise InvalidInput(f"the file is no CSV: {error}") from None


class Import:
    """Judges rows, and stores what is to be stored.

    Args:
        connections: where they go.
        exists: whether there is a company with this id here.
        keys: open the older tokens.
        ids: companies' ids here by their older ids; an id that is not named stays the same.
        now: for lifetimes.
    """

    def __init__(
        self,
        connections: Connections,
        exists: Callable[[str], bool],
        keys: MultiFernet,
        ids: Mapping[str, str],
        now: datetime,
    ) -> None:
        self._connections = connections
        self._exists = exists
        self._keys = keys
        self._ids = ids
        self._now = now

    def judge(self, rows: Sequence[Mapping[str, str]]) -> list[Verdict]:
        """What would happen to each row; changes nothing."""
        verdicts = [self._judged(line, row) for line, row in enumerate(rows, 2)]
        return _only_newest(verdicts)

    def apply(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Store what is to be imported. Doing it again changes nothing: what stands is never overwritten."""
        return [self._applied(verdict) for verdict in verdicts]

    def _applied(self, verdict: Verdict) -> Verdict:
        if verdict.connection is None:
            return verdict
        place = (verdict.line, verdict.company_id, verdict.provider)
        try:
            stored = self._connections.store(
                verdict.company_id, verdict.provider, verdict.connection, only_new=True
            )
        except Conflict:
            return Verdict(*place, "kept", "connected meanwhile")
        except FrontdeskError as error:
            return Verdict(*place, "failed", str(error))
        note = "" if stored.status == "connected" else "scopes are missing: the company must connect again"
        return Verdict(*place, "imported", note or verdict.note)

    def _judged(self, line: int, row: Mapping[str, str]) -> Verdict:
        old_id, old_name = row["company_id"].strip(), row["provider"].strip()
        company_id = self._ids.get(old_id, old_id)
        provider = PROVIDER_NAMES.get(re.sub(r"\W+", "_", old_name.lower()), "")
        try:
            self._check(row, company_id, provider)
            connection, expires_at, note = self._connection(row, provider)
        except _Skip as skip:
            return Verdict(line, company_id, provider or old_name, skip.fate, skip.note)
        return Verdict(line, company_id, provider, "import", note, connection, expires_at)

    def _check(self, row: Mapping[str, str], company_id: str, provider: str) -> None:
        active = row["is_active"].strip().lower()
        if active in _FALSE:
            raise _Skip("skipped", "not active")
        if active not in _TRUE:
            raise _Skip("failed", "is_active is neither true nor false")
        if not provider:
            raise _Skip("skipped", "no provider that is known here")
        if not is_company_id(company_id) or not self._exists(company_id):
            raise _Skip("skipped", "no such company here: name it with --map")
        if self._connections.get(company_id, provider) is not None:
            raise _Skip("kept", "a connection stands here already")

    def _connection(
        self, row: Mapping[str, str], provider: str
    ) -> tuple[NewConnection, datetime | None, str]:
        metadata = _metadata(row["metadata"])
        access = self._token(row["access_token"], "access_token")
        refresh = self._token(row["refresh_token"], "refresh_token")
        if refresh is None:
            raise _Skip("skipped", "no refresh token: the company must connect anew")
        expires_at, note = _moment(row["expires_at"])
        lifetime = (expires_at - self._now).total_seconds() if expires_at and access else 0.0
        connection = NewConnection(
            "oauth",
            _first(metadata, _ACCOUNT_IDS[provider]),
            account_email=_first(metadata, _EMAILS),
            scopes=frozenset(_scopes(row["scopes"])),
            # One that is not good any more is replaced when it is first needed.
            access_token=access or Secret(""),
            refresh_token=refresh,
            access_lifetime_seconds=max(0, int(lifetime)),
            settings={name: str(metadata[name]) for name in _SETTINGS[provider] if metadata.get(name)},
        )
        return connection, expires_at, note

    def _token(self, text: str, name: str) -> Secret | None:
        text = text.strip()
        if text.lower() in _NOTHING:
            return None
        try:
            sealed = bytes.fromhex(text[2:]) if text.startswith("\\x") else text.encode()
            return Secret(self._keys.decrypt(sealed).decode())
        except (InvalidToken, ValueError):
            raise _Skip("failed", f"{name} does not decrypt with these keys") from None


def _only_newest(verdicts: list[Verdict]) -> list[Verdict]:
    """Of several rows for one company and provider the one that is good longest; the others are told."""
    best: dict[tuple[str, str], Verdict] = {}
    for verdict in verdicts:
        if verdict.connection is not None:
            known = best.setdefault((verdict.company_id, verdict.provider), verdict)
            if _age(verdict) > _age(known):
                best[verdict.company_id, verdict.provider] = verdict
    return [
        verdict
        if verdict.connection is None or best[verdict.company_id, verdict.provider] is verdict
        else Verdict(
            verdict.line,
            verdict.company_id,
            verdict.provider,
            "skipped",
            f"line {best[verdict.company_id, verdict.provider].line} is newer",
        )
        for verdict in verdicts
    ]


def _age(verdict: Verdict) -> datetime:
    return verdict.expires_at or datetime.min.replace(tzinfo=UTC)


def _metadata(text: str) -> dict[str, Any]:
    if text.strip().lower() in _NOTHING:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        raise _Skip("failed", "metadata is no JSON") from None
    return found if isinstance(found, dict) else {}


def _first(metadata: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(metadata[name]) for name in names if metadata.get(name)), "")


def _scopes(text: str) -> list[str]:
    """Scopes in any shape: a JSON list, PostgreSQL's ``{a,b}``, or words with spaces or commas between."""
    text = text.strip()
    if text.lower() in _NOTHING:
        return []
    if text.startswith("["):
        try:
            return [str(scope) for scope in json.loads(text)]
        except ValueError:
            raise _Skip("failed", "scopes are no JSON list") from None
    return [scope.strip('"') for scope in re.split(r"[\s,]+", text.strip('{}"')) if scope.strip('"')]


def _moment(text: str) -> tuple[datetime | None, str]:
    """A time of PostgreSQL's or Python's; without a zone it is UTC, as the older program wrote it."""
    text = text.strip()
    if text.lower() in _NOTHING:
        return None, "no expiry: renewed at the first use"
    try:
        moment = datetime.fromisoformat(text)
        known = in_utc(moment)
    except ValueError:
        raise _Skip("failed", "expires_at is no time") from None
    return known, "" if moment.tzinfo else "expires_at has no zone: taken as UTC"
