"""The doctor: what is wrong with a webhook delivery, check by check, and what would become of it.

It looks at what the door looks at, but goes on after the first failure, and says more than the door may say
to a stranger: only who owns the company asks it. Nothing is kept, nothing is sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from shared.chatwoot import signature
from shared.chatwoot.connecting import MISSING
from shared.chatwoot.events import Event, parse
from shared.companies.card import Directory
from shared.conversations.sorting import Fate, sort_event
from shared.platform.errors import InvalidInput, NotFound, Untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.companies.card import CompanyCard
    from shared.companies.connection import ChatwootConnection
    from shared.credentials.store import Credentials
    from shared.platform.clock import Clock
    from shared.platform.secret import Secret
    from shared.platform.tables import Table

Result = Literal["ok", "failed", "skipped"]
_SECRET_NAMES = {"secret": "the current secret", "previous_secret": "the previous secret"}
_NO_OFFENCE = {"inbox", "lost_webhooks"}
_BECOMES = {Fate.ENQUEUE: "queued", Fate.IGNORE: "ignored"}


@dataclass(frozen=True)
class Check:
    """One check: its name, how it went, and what that means."""

    name: str
    result: Result
    detail: str

    def as_dict(self) -> dict[str, str]:
        """The API's shape."""
        return {"name": self.name, "result": self.result, "detail": self.detail}


@dataclass(frozen=True)
class Diagnosis:
    """Everything about one delivery.

    Args:
        checks: in the order in which the door makes them.
        would: what would become of it: ``queued``, ``recorded``, ``ignored`` or ``refused``, and why.
    """

    checks: tuple[Check, ...]
    would: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The API's answer."""
        return {"checks": [check.as_dict() for check in self.checks], "would": dict(self.would)}


@dataclass(frozen=True)
class _Specimen:
    card: CompanyCard
    connection: ChatwootConnection
    stored: Mapping[str, Secret]
    headers: Mapping[str, str]
    body: bytes
    token: str | None
    now_seconds: float

    def fits(self, field: str, body: bytes, *, legacy: bool) -> bool:
        """Whether a stored secret gives the delivery's signature over a body, whatever its age."""
        try:
            if legacy:
                signature.verify_legacy(self.headers, body, [self.stored[field]])
            else:
                sent_at = self.headers.get(signature.TIMESTAMP_HEADER, "")
                signature.verify(self.headers, body, [self.stored[field]], now_seconds=float(int(sent_at)))
        except (Untrusted, ValueError):
            return False
        return True


class Doctor:
    """Examines deliveries.

    Args:
        table: the companies table.
        credentials: webhook secrets.
        clock: judges timestamps.
    """

    def __init__(self, table: Table, credentials: Credentials, clock: Clock) -> None:
        self._directory = Directory(table)
        self._credentials = credentials
        self._clock = clock

    def diagnose(
        self, company_id: str, headers: Mapping[str, str], body: bytes, token: str | None
    ) -> Diagnosis:
        """Examine a delivery.

        Args:
            company_id: the company in its path.
            headers: its headers, names in lower case.
            body: its raw body.
            token: the last segment of its path, where there is one.

        Raises:
            NotFound: there is no such company.
        """
        card = self._directory.card(company_id)
        if card is None:
            raise NotFound("there is no such company")
        if card.mode == "off" or card.connection is None:
            words = "is switched off" if card.mode == "off" else "is not connected with Chatwoot"
            check = Check("company", "failed", f"the company {words}, so every delivery is refused")
            return Diagnosis((check,), {"status": "refused", "reason": "company_off"})
        stored = self._credentials.fields(company_id, "chatwoot_webhook")
        now = self._clock.now().timestamp()
        specimen = _Specimen(card, card.connection, stored, headers, body, token, now)
        return _examined(specimen)


def _examined(specimen: _Specimen) -> Diagnosis:
    checks = [Check("company", "ok", "the company is connected and not switched off"), *_proof(specimen)]
    encoding, event = _encoding(specimen.body)
    checks += [encoding, _account(event, specimen.connection), _inbox(event, specimen.card)]
    checks.append(_lost_webhooks(specimen.connection))
    # Inboxes that are not the company's are no offence: Chatwoot sends those of the whole account.
    failed = [check.name for check in checks if check.result == "failed" and check.name not in _NO_OFFENCE]
    if failed:
        return Diagnosis(tuple(checks), {"status": "refused", "reason": failed[0]})
    decided = sort_event(event, specimen.card)
    status = _BECOMES.get(decided.fate, "recorded")
    return Diagnosis(tuple(checks), {"status": status, "reason": decided.reason or str(decided.fate)})


def _proof(specimen: _Specimen) -> Iterator[Check]:
    """The checks of who sent it: header, secret, clock."""
    if specimen.connection.signature == "token":
        yield _path_token(specimen)
        return
    legacy = specimen.connection.signature == "legacy"
    header = _header(specimen, legacy=legacy)
    yield header
    if header.result == "failed":
        yield Check("secret", "skipped", "without a readable signature there is nothing to compare")
    else:
        yield _secret(specimen, legacy=legacy)
    yield _clock_check(specimen, legacy=legacy)


def _path_token(specimen: _Specimen) -> Check:
    wanted = specimen.stored.get("path_token")
    if wanted is None:
        return Check("secret", "failed", "no path token is stored: connect the company again")
    if not specimen.token:
        return Check("secret", "failed", "the path holds no token: the webhook's URL must end in it")
    if not wanted.matches(specimen.token):
        return Check("secret", "failed", "the token in the path is not the company's")
    return Check("secret", "ok", "the token in the path is the company's")


def _header(specimen: _Specimen, *, legacy: bool) -> Check:
    try:
        if legacy:
            signature.verify_legacy(specimen.headers, b"", [])
        else:
            signature.verify(specimen.headers, b"", [], now_seconds=specimen.now_seconds)
    except Untrusted as refused:
        if refused.reason not in {"no_secret", "signature_wrong", "timestamp_off"}:
            return Check("header", "failed", f"{refused}; {_HEADER_HINTS[refused.reason]}")
    return Check("header", "ok", "the signature's headers are there and readable")


_NOT_SIGNED = (
    "automation rules, macros and Chatwoot before 4.12 do not sign: connect with signature “token” for "
    "those, and see that no proxy drops the header"
)
_HEADER_HINTS = {
    "signature_missing": _NOT_SIGNED,
    "timestamp_missing": _NOT_SIGNED,
    "signature_malformed": "Chatwoot sends sha256= and 64 lower-case hex digits",
    "timestamp_malformed": "Chatwoot sends whole seconds since 1970",
}


def _secret(specimen: _Specimen, *, legacy: bool) -> Check:
    names = [name for name in _SECRET_NAMES if name in specimen.stored]
    if not names:
        return Check("secret", "failed", "no webhook secret is stored for this company: connect it again")
    for name in names:
        if specimen.fits(name, specimen.body, legacy=legacy):
            return Check("secret", "ok", f"the signature was made with {_SECRET_NAMES[name]}")
    for hint, body, other in _changed(specimen.body, legacy=legacy):
        if any(specimen.fits(name, body, legacy=other) for name in names):
            return Check("secret", "failed", hint)
    return Check(
        "secret",
        "failed",
        "the signature was made with another secret, or the body is not the one that was signed: each "
        "webhook, agent bot and API inbox in Chatwoot has a secret of its own",
    )


def _changed(body: bytes, *, legacy: bool) -> Iterator[tuple[str, bytes, bool]]:
    """What is often done to a body or a signature on the way, with words for it."""
    other_mode = "required" if legacy else "legacy"
    yield f"the signature has the form of the other mode: connect with “{other_mode}”", body, not legacy
    for ending in (b"\n", b"\r\n"):
        for other in (body.removesuffix(ending), body + ending):
            yield "the secret is right, but a line ending was added or lost at the body's end", other, legacy
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return
    for ascii_only in (False, True):
        again = json.dumps(data, separators=(",", ":"), ensure_ascii=ascii_only)
        rails = again.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        for text in (again, rails):
            hint = (
                "the secret is right, but the body was parsed and written anew: sign and check the raw bytes"
            )
            yield hint, text.encode("utf-8", "replace"), legacy


def _clock_check(specimen: _Specimen, *, legacy: bool) -> Check:
    if legacy:
        return Check("clock", "skipped", "signatures of this form carry no time")
    text = specimen.headers.get(signature.TIMESTAMP_HEADER, "")
    try:
        off = int(text) - specimen.now_seconds
    except ValueError:
        return Check("clock", "skipped", "there is no readable timestamp")
    words = f"the timestamp lies {abs(off):.0f} seconds in the {'future' if off > 0 else 'past'}"
    if abs(off) > signature.TOLERANCE_SECONDS:
        return Check("clock", "failed", f"{words}; {signature.TOLERANCE_SECONDS} are allowed")
    return Check("clock", "ok", words)


def _encoding(body: bytes) -> tuple[Check, Event | None]:
    try:
        data = json.loads(body.decode())
    except UnicodeDecodeError:
        return Check("encoding", "failed", "the body is not UTF-8"), None
    except (ValueError, RecursionError):
        return Check("encoding", "failed", "the body is not JSON"), None
    try:
        event = parse(data)
    except InvalidInput as refused:
        return Check("encoding", "failed", str(refused)), None
    if event is None:
        return Check("encoding", "ok", "the body is JSON, of an event that Frontdesk does not use"), None
    return Check("encoding", "ok", f"the body is JSON, of the event {event.name}"), event


def _account(event: Event | None, connection: ChatwootConnection) -> Check:
    number = event.conversation.account_id if event else None
    if number is None:
        return Check("account", "skipped", "the body names no account")
    if number != connection.account_id:
        words = f"the body is of account {number}; the company is connected with {connection.account_id}"
        return Check("account", "failed", words)
    return Check("account", "ok", "the account is the company's")


def _inbox(event: Event | None, card: CompanyCard) -> Check:
    number = event.conversation.inbox_id if event else None
    if number is None:
        return Check("inbox", "skipped", "the body names no inbox")
    if not card.owns(number):
        return Check("inbox", "failed", f"inbox {number} is not among the company's inboxes")
    return Check("inbox", "ok", "the inbox is the company's")


def _lost_webhooks(connection: ChatwootConnection) -> Check:
    if connection.finds_lost_webhooks:
        words = "a delivery that is lost on its way is found later, with the user token"
        return Check("lost_webhooks", "ok", words)
    return Check("lost_webhooks", "failed", MISSING["list_conversations"])
