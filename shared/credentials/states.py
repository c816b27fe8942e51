"""One-time tokens of the OAuth flow: the link that is sent to a person, the state, the question left open.

A token's text is ``<company>.<random>``. Only its hash is stored, so whoever reads the table cannot use it;
what must stay secret (the PKCE verifier, tokens that wait for a person's word) is sealed by the vault under a
field name made of that hash, and opens in no other row. Age is checked here: DynamoDB deletes expired items
days later (DynamoDB, "Time to Live").
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from shared.companies.names import SCHEMA_VERSION, company_pk, is_company_id
from shared.platform.errors import InvalidInput
from shared.platform.secret import Secret
from shared.platform.tables import ConditionFailed, Delete, Key, Put

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.credentials.vault import Vault
    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table

Kind = Literal["link", "state", "choice"]
# How long each may be used, in seconds. A link is sent around; the other two wait for one person's click.
LIFETIME_SECONDS: Mapping[Kind, int] = {"link": 3600, "state": 600, "choice": 600}
PREFIX = "oauth_"
TOKEN_BYTES = 32
LONGEST_TOKEN = 100


class StateUnusable(InvalidInput):
    """The token does not count: never issued, used, too old, another provider's, or another browser's.

    Args:
        message: see `InvalidInput`.
        reason: ``state_unknown`` (also: used), ``state_expired``, ``state_wrong_provider`` or
            ``state_wrong_browser``.
        company_id: whose token it is, where it was one of ours; for the page's language and nothing else.
    """

    default_reason = "state_unknown"

    def __init__(self, message: str, *, reason: str = "", company_id: str = "") -> None:
        super().__init__(message, reason=reason)
        self.company_id = company_id


@dataclass(frozen=True)
class State:
    """A token that was found good.

    Args:
        kind: which of the three.
        company_id: whose.
        provider: for which provider.
        facts: what was noted with it; nothing secret.
        secrets: what was sealed with it.
        key: where it stands.
    """

    kind: Kind
    company_id: str
    provider: str
    facts: Mapping[str, Any]
    secrets: Mapping[str, Secret] = field(repr=False)
    key: Key = field(repr=False)


@dataclass(frozen=True)
class NewState:
    """A token to be issued.

    Args:
        kind: which of the three.
        company_id: whose.
        provider: for which provider.
        facts: what to note with it; nothing secret.
        secrets: what to seal with it.
        browser: the value of the cookie of the only browser that may use it; ``None``: any.
    """

    kind: Kind
    company_id: str
    provider: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    browser: Secret | None = field(default=None, repr=False)


class States:
    """Issues and takes one-time tokens.

    Args:
        table: the credentials table.
        vault: seals what is secret.
        clock: for ages.
        random_text: makes the random part from a number of bytes.
    """

    def __init__(
        self,
        table: Table,
        vault: Vault,
        clock: Clock,
        random_text: Callable[[int], str] = secrets.token_urlsafe,
    ) -> None:
        self._table = table
        self._vault = vault
        self._clock = clock
        self._random_text = random_text

    def issue(self, new: NewState) -> Secret:
        """Make a token."""
        token, item = self._made(new)
        self._table.put(item, "attribute_not_exists(pk)")
        return token

    def look(self, kind: Kind, provider: str, token: str, browser: Secret | None = None) -> State:
        """What a token stands for. It stays usable.

        Args:
            kind: which of the three it must be.
            provider: for which provider it must be.
            token: its text, as somebody sent it.
            browser: the cookie of the browser that sent it.

        Raises:
            StateUnusable: it does not count, and why.
        """
        key = _key(kind, token)
        item = self._table.get(key, consistent=True) if key else None
        if key is None or item is None:
            raise StateUnusable("this link was never given out, or it was used already")
        company_id = key.pk.removeprefix(company_pk(""))
        self._check(item, provider, browser, company_id)
        return State(kind, company_id, provider, item["facts"], self._opened(item, company_id), key)

    def take(self, state: State) -> None:
        """Use a token up. Of two who try at once, one succeeds.

        Raises:
            StateUnusable: it was used meanwhile.
        """
        try:
            self._table.delete(state.key, "attribute_exists(pk)")
        except ConditionFailed:
            raise _used(state) from None

    def trade(self, state: State, new: NewState) -> Secret:
        """Use a token up for a new one, both or neither.

        Raises:
            StateUnusable: it was used meanwhile.
        """
        token, item = self._made(new)
        try:
            self._table.transact([Delete(state.key, "attribute_exists(pk)"), Put(item)])
        except ConditionFailed:
            raise _used(state) from None
        return token

    def _made(self, new: NewState) -> tuple[Secret, Item]:
        if not is_company_id(new.company_id):
            raise ValueError("a token needs a company's id")
        token = Secret(f"{new.company_id}.{self._random_text(TOKEN_BYTES)}")
        key = _key(new.kind, token.reveal())
        if key is None:
            raise ValueError("the random part must be url-safe text")
        item: Item = {
            **key.as_item(),
            "v": SCHEMA_VERSION,
            "provider": new.provider,
            "facts": dict(new.facts),
            "expires_at": int(self._clock.now().timestamp()) + LIFETIME_SECONDS[new.kind],
        }
        if new.secrets:
            plain = Secret(json.dumps({name: value.reveal() for name, value in new.secrets.items()}))
            item["sealed"] = self._vault.seal(new.company_id, new.provider, sealed_field(key.sk), plain)
        if new.browser is not None:
            item["browser"] = _hash(new.browser.reveal())
        return token, item

    def _check(self, item: Item, provider: str, browser: Secret | None, company_id: str) -> None:
        if item["provider"] != provider:
            raise StateUnusable(
                "this link belongs to another provider", reason="state_wrong_provider", company_id=company_id
            )
        if item["expires_at"] <= self._clock.now().timestamp():
            raise StateUnusable(
                "this link is too old: ask for a new one", reason="state_expired", company_id=company_id
            )
        if "browser" not in item:
            return
        sent = _hash(browser.reveal()) if browser is not None else ""
        if not hmac.compare_digest(item["browser"], sent):
            raise StateUnusable(
                "this was begun in another browser", reason="state_wrong_browser", company_id=company_id
            )

    def _opened(self, item: Item, company_id: str) -> dict[str, Secret]:
        if "sealed" not in item:
            return {}
        bound_to = sealed_field(item["sk"])
        plain = self._vault.open(company_id, item["provider"], bound_to, item["sealed"])
        return {name: Secret(text) for name, text in json.loads(plain.reveal()).items()}


def _key(kind: Kind, token: str) -> Key | None:
    """Where a token stands; ``None`` for what cannot be one."""
    company_id, _, rest = token.partition(".")
    if len(token) > LONGEST_TOKEN or not is_company_id(company_id) or not rest.isascii():
        return None
    return Key(company_pk(company_id), f"{PREFIX}{kind}#{_hash(token)}")


def sealed_field(sort_key: str) -> str:
    """The name that the vault binds a token's secrets to: its kind and the beginning of its hash."""
    kind, _, digest = sort_key.partition("#")
    return f"{kind.removeprefix(PREFIX)}_{digest[:32]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _used(state: State) -> StateUnusable:
    return StateUnusable("this was used already: ask for a new link", company_id=state.company_id)
