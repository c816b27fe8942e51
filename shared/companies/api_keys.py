"""API keys: who may call Frontdesk's API, for which company, to do what.

A key's text is ``fd_<owner>.<key id>.<secret>``. The table holds the SHA-256 of the secret: the secret has
256 random bits, so a slow password hash would protect nothing more (docs/decisions/0004-api-keys.md).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.companies.audit import KEPT
from shared.companies.names import OPERATOR, SCHEMA_VERSION, is_company_id, owner_pk
from shared.companies.rate_limits import RateLimits
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import FieldError, InvalidInput, NotFound, Untrusted
from shared.platform.secret import Secret
from shared.platform.tables import ConditionFailed, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

SCOPES = ("read", "read:text", "act", "admin")
MAX_NAME = 100
MAX_KEYS_OF_AN_OWNER = 100
OPERATOR_PER_MINUTE, COMPANY_PER_MINUTE, MOST_PER_MINUTE = 600, 120, 6_000
LONGEST_LIFE_DAYS = 3_650
SECRET_BYTES = 32
KEY_ID_BYTES = 6
_DAY_MS = 24 * 3600 * 1000
_PREFIX = "apikey#"
_KEY = re.compile(r"fd_([a-z0-9-]{1,40})\.([0-9a-f]{12})\.([A-Za-z0-9_-]{43})")
_NO_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class ApiKey:
    """What may be shown of a key.

    Args:
        owner: a company's id, or ``operator``.
        key_id: its public part.
        name: what its maker called it.
        scopes: what it may do.
        created_at: milliseconds since 1970, UTC.
        revoked_at: the same, once it is revoked.
        last_used: the day (UTC) it was last used on, such as ``2026-11-23``.
        requests_per_minute: how often it may ask.
        ends_at: when it ends by itself (milliseconds since 1970, UTC); ``None`` for never.
    """

    owner: str
    key_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    revoked_at: int | None = None
    last_used: str | None = None
    requests_per_minute: int = COMPANY_PER_MINUTE
    ends_at: int | None = None


@dataclass(frozen=True)
class Caller:
    """Who is calling.

    Args:
        owner: a company's id, or ``operator``.
        scopes: what the key may do; ``admin`` includes the others.
        key_id: which of the owner's keys it is.
    """

    owner: str
    scopes: frozenset[str]
    key_id: str = ""

    @property
    def is_operator(self) -> bool:
        """Whether this is the operator, who may act for every company."""
        return self.owner == OPERATOR

    @property
    def actor(self) -> str:
        """How the audit names the caller."""
        return f"{self.owner}/{self.key_id}"

    def may(self, scope: str) -> bool:
        """Whether the key has a scope."""
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: str) -> None:
        """Demand a scope.

        Raises:
            InvalidInput: (403) the key lacks it.
        """
        if not self.may(scope):
            raise InvalidInput(f"this API key lacks the scope {scope}", reason="scope_missing", status=403)

    def require_operator(self) -> None:
        """Demand the operator.

        Raises:
            NotFound: for everybody else there is nothing here.
        """
        if not self.is_operator:
            raise NotFound("there is nothing here")

    def require_company(self, company_id: str) -> None:
        """Demand that the caller may act for a company.

        Raises:
            NotFound: it may not. A company that is another's looks like one that does not exist.
        """
        if not self.is_operator and self.owner != company_id:
            raise NotFound("there is no such company")


class ApiKeys:
    """Makes, checks and revokes API keys.

    Args:
        table: the companies table.
        clock: for times.
        random_bytes: where keys come from.
    """

    def __init__(
        self, table: Table, clock: Clock, random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._table = table
        self._clock = clock
        self._random_bytes = random_bytes
        self._limits = RateLimits(table, clock)

    def create(
        self,
        owner: str,
        name: str,
        scopes: Sequence[str],
        *,
        requests_per_minute: int | None = None,
        lives_days: int | None = None,
    ) -> tuple[ApiKey, Secret]:
        """Make a key.

        Args:
            owner: whose it is.
            name: what it is called in lists.
            scopes: what it may do.
            requests_per_minute: how often it may ask; ``None``: what is usual for its owner.
            lives_days: after so many days it ends by itself; ``None``: never.

        Returns:
            The key's description, and its text, which is stored nowhere and cannot be shown again.

        Raises:
            InvalidInput: the owner, name or scopes are wrong, or the owner has too many keys.
        """
        per_minute = requests_per_minute or usual_per_minute(owner)
        _check(owner, name, scopes, per_minute, lives_days or 1)
        if len(self.list(owner)) >= MAX_KEYS_OF_AN_OWNER:
            raise InvalidInput("there are too many API keys; revoke some", reason="too_many_keys", status=409)
        key_id = self._random_bytes(KEY_ID_BYTES).hex()
        secret = _text(self._random_bytes(SECRET_BYTES))
        now = epoch_milliseconds(self._clock.now())
        ends_at = None if lives_days is None else now + lives_days * _DAY_MS
        key = ApiKey(
            owner,
            key_id,
            name,
            tuple(sorted(set(scopes))),
            now,
            requests_per_minute=per_minute,
            ends_at=ends_at,
        )
        item: Item = {
            **_row(owner, key_id).as_item(),
            "v": SCHEMA_VERSION,
            "hash": _hash(secret),
            "name": name,
            "scopes": list(key.scopes),
            "created_at": now,
            "requests_per_minute": per_minute,
        }
        if ends_at is not None:
            item |= {"ends_at": ends_at, "expires_at": ends_at // 1000 + int(KEPT.total_seconds())}
        self._table.put(item, "attribute_not_exists(pk)")
        return key, Secret(f"fd_{owner}.{key_id}.{secret}")

    def authenticate(self, header_value: str | None) -> Caller:
        """Find out who calls.

        Args:
            header_value: the request's ``Authorization`` header (RFC 6750 section 2.1).

        Raises:
            Untrusted: there is no such key, it is revoked, or its time is over.
            TooMany: it asks too often.
        """
        owner, key_id, secret = _parts(header_value)
        item = self._table.get(_row(owner, key_id), consistent=True)
        stored = item["hash"] if item else _NO_HASH
        if not hmac.compare_digest(stored, _hash(secret)) or item is None:
            raise Untrusted("no API key of ours", reason="api_key_unknown")
        if item.get("revoked_at") is not None:
            raise Untrusted("the API key is revoked", reason="api_key_revoked")
        if _ended(item.get("ends_at"), self._clock):
            raise Untrusted("the API key's time is over", reason="api_key_ended")
        per_minute = item.get("requests_per_minute", usual_per_minute(owner))
        self._limits.take(owner, key_id, per_minute)
        self._note_use(item)
        return Caller(owner, frozenset(item["scopes"]), key_id)

    def list(self, owner: str) -> list[ApiKey]:
        """The keys of an owner that still let in, oldest first."""
        found = [_key(owner, item) for item in self._table.query(owner_pk(owner), prefix=_PREFIX)]
        live = [key for key in found if key.revoked_at is None and not _ended(key.ends_at, self._clock)]
        return sorted(live, key=lambda key: (key.created_at, key.key_id))

    def revoke(self, owner: str, key_id: str) -> None:
        """End a key at once and for good; ending it twice is fine.

        Raises:
            NotFound: the owner has no such key.
        """
        now = self._clock.now()
        try:
            self._table.update(
                _row(owner, key_id),
                "SET revoked_at = if_not_exists(revoked_at, :now), expires_at = :swept",
                "attribute_exists(pk)",
                values={":now": epoch_milliseconds(now), ":swept": int((now + KEPT).timestamp())},
            )
        except ConditionFailed:
            raise NotFound("there is no such API key") from None

    def revoke_all(self, owner: str) -> None:
        """End every key of an owner."""
        for key in self.list(owner):
            self.revoke(owner, key.key_id)

    def _note_use(self, item: Item) -> None:
        today = self._clock.now().date().isoformat()
        if item.get("last_used") != today:
            key = Key(item["pk"], item["sk"])
            self._table.update(key, "SET last_used = :today", values={":today": today})


def usual_per_minute(owner: str) -> int:
    """How often a key may ask where nothing else was said."""
    return OPERATOR_PER_MINUTE if owner == OPERATOR else COMPANY_PER_MINUTE


def _ended(ends_at: int | None, clock: Clock) -> bool:
    return ends_at is not None and ends_at <= epoch_milliseconds(clock.now())


def _row(owner: str, key_id: str) -> Key:
    return Key(owner_pk(owner), f"{_PREFIX}{key_id}")


def _text(random: bytes) -> str:
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _parts(header_value: str | None) -> tuple[str, str, str]:
    scheme, _, text = (header_value or "").strip().partition(" ")
    found = _KEY.fullmatch(text.strip())
    if scheme.lower() != "bearer" or found is None:
        raise Untrusted("no API key was given", reason="api_key_missing")
    owner, key_id, secret = found.groups()
    return owner, key_id, secret


def _key(owner: str, item: Item) -> ApiKey:
    return ApiKey(
        owner,
        item["sk"].removeprefix(_PREFIX),
        item["name"],
        tuple(item["scopes"]),
        item["created_at"],
        item.get("revoked_at"),
        item.get("last_used"),
        item.get("requests_per_minute", usual_per_minute(owner)),
        item.get("ends_at"),
    )


def _check(owner: str, name: str, scopes: Sequence[str], per_minute: int, lives_days: int) -> None:
    wrong = []
    if owner != OPERATOR and not is_company_id(owner):
        wrong.append(FieldError("company_id", "must be a company's id"))
    if not name.strip() or len(name) > MAX_NAME:
        wrong.append(FieldError("name", f"must have 1 to {MAX_NAME} characters"))
    if not scopes or not set(scopes) <= set(SCOPES):
        wrong.append(FieldError("scopes", f"must be some of: {', '.join(SCOPES)}"))
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        wrong.append(FieldError("requests_per_minute", f"must be a number from 1 to {MOST_PER_MINUTE}"))
    if not 1 <= lives_days <= LONGEST_LIFE_DAYS:
        wrong.append(FieldError("lives_days", f"must be a number from 1 to {LONGEST_LIFE_DAYS}"))
    if wrong:
        raise InvalidInput(f"{wrong[0].field} {wrong[0].problem}", fields=tuple(wrong), status=422)
