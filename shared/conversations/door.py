"""The door: every webhook delivery is checked here, and what matters of it is kept.

Whose message is it? The company in the path must own the body's account; its secret must fit. Without a path
the body decides among the companies that own the account's inbox, and again only a secret that fits counts:
a website's visitor can write a company's name into a conversation, but cannot sign for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shared.chatwoot import signature
from shared.chatwoot.events import Event, parse
from shared.conversations.incoming import incoming_message, part_failure
from shared.conversations.keys import ConversationKey
from shared.conversations.sorting import Fate, Sorted, sort_event
from shared.platform.errors import InvalidInput, Untrusted
from shared.platform.observability import bound, count, log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.chatwoot.events import Message
    from shared.conversations.door_cache import DoorCache, KnownCompany
    from shared.conversations.incoming import IncomingMessage, PartFailure
    from shared.conversations.people import PeopleRecorder
    from shared.platform.clock import Clock

# A message holds at most 150,000 characters, escaped at most sixfold; the rest of a body is small.
BODY_LIMIT_BYTES = 1024 * 1024


class IncomingQueue(Protocol):
    """Where customers' messages wait for their turn; see `shared.conversations.queues`."""

    def send(self, message: IncomingMessage) -> None:
        """Keep it durably, once."""
        ...

    def send_failure(self, failure: PartFailure) -> None:
        """The same for a message of ours that failed at its channel."""
        ...


@dataclass(frozen=True)
class Delivery:
    """One HTTP request, as far as the door needs it.

    ``headers`` have names in lower case; ``body`` is raw, the gateway's base64 undone. ``company_id`` and
    ``token`` are path segments, ``None`` where the path has none.
    """

    headers: Mapping[str, str]
    body: bytes
    company_id: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class DoorAnswer:
    """What the sender gets: an HTTP status and a JSON body."""

    status: int
    body: Mapping[str, Any]


class Door:
    """Receives deliveries.

    Args:
        cache: companies and secrets.
        queue: takes customers' messages.
        people: records what turns in flight must see.
        clock: judges timestamps, stamps arrivals.
        body_limit_bytes: larger bodies are refused.
    """

    def __init__(
        self,
        cache: DoorCache,
        queue: IncomingQueue,
        people: PeopleRecorder,
        clock: Clock,
        *,
        body_limit_bytes: int = BODY_LIMIT_BYTES,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._people = people
        self._clock = clock
        self._body_limit_bytes = body_limit_bytes

    def receive(self, delivery: Delivery) -> DoorAnswer:
        """Check a delivery and keep what matters of it.

        Raises:
            InvalidInput: too large (413), not JSON or without an id that nothing works without (400).
            Untrusted: unknown company, wrong or missing proof, disabled company, no secret: all alike.
        """
        if len(delivery.body) > self._body_limit_bytes:
            raise InvalidInput(
                f"the body is larger than {self._body_limit_bytes} bytes", reason="too_large", status=413
            )
        if delivery.company_id is None:
            body = _json(delivery.body)
            company = self._owner_of(delivery, parse(body), body)
        else:
            company = self._proven(delivery, delivery.company_id)
            body = _json(delivery.body)
        event = parse(body)
        if event is not None:
            _require_account(company, event)
        with bound(company_id=company.card.company_id):
            return self._keep(company, event, sort_event(event, company.card))

    # -- whose it is ---------------------------------------------------------------------------------

    def _proven(self, delivery: Delivery, company_id: str) -> KnownCompany:
        known = self._cache.company(company_id)
        try:
            return _check(known, delivery, self._clock.now().timestamp())
        except Untrusted as refused:
            # Perhaps the secret was changed a moment ago.
            fresher = self._cache.fresher(company_id)
            if fresher is None:
                raise refused from None
            return _check(fresher, delivery, self._clock.now().timestamp())

    def _owner_of(self, delivery: Delivery, event: Event | None, body: object) -> KnownCompany:
        """The company that owns the body's account and inbox and whose secret fits."""
        account_id, inbox_id, claims = _places(event, body)
        if account_id is None:
            raise Untrusted("the body names no account", reason="no_account")
        # Nobody owns the inbox: the account's companies are asked, whose webhook fires for every inbox of it.
        proven = self._fitting(delivery, self._cache.owners(account_id, inbox_id))
        if not proven:
            # Perhaps a company was connected a moment ago.
            proven = self._fitting(delivery, self._cache.fresher_owners(account_id, inbox_id))
        claimed = [company for company in proven if company.card.company_id in claims]
        if len(claimed) == 1:
            return claimed[0]
        if len(proven) != 1:
            reason = "two_owners" if proven else "signature_wrong"
            raise Untrusted("not exactly one company's secret fits", reason=reason)
        return proven[0]

    def _fitting(self, delivery: Delivery, owners: list[KnownCompany]) -> list[KnownCompany]:
        return [company for company in owners if self._fits(delivery, company)]

    def _fits(self, delivery: Delivery, company: KnownCompany) -> bool:
        try:
            self._proven(delivery, company.card.company_id)
        except Untrusted:
            return False
        return True

    # -- what becomes of it --------------------------------------------------------------------------

    def _keep(self, company: KnownCompany, event: Event | None, decided: Sorted) -> DoorAnswer:
        company_id = company.card.company_id
        count("Deliveries", fate=decided.fate)
        if event is None or decided.fate is Fate.IGNORE:
            return DoorAnswer(200, {"status": "ignored", "reason": decided.reason, "company_id": company_id})
        connection = company.card.connection
        account_id = event.conversation.account_id or (connection.account_id if connection else 0)
        installation = connection.installation if connection else 1
        key = ConversationKey(company_id, account_id, event.conversation.id, installation)
        if decided.fate is Fate.ENQUEUE and event.message is not None:
            self._queue.send(incoming_message(key, event.conversation, event.message, self._clock.now()))
            log.info("queued", conversation=key.group_id, message_id=event.message.id)
            answer = {"status": "queued", "message_id": event.message.id, "company_id": company_id}
            return DoorAnswer(202, answer)
        self._record(key, event, decided.fate, company.card.history_days)
        log.info("recorded", conversation=key.group_id, fate=decided.fate)
        return DoorAnswer(202, {"status": "recorded", "company_id": company_id})

    def _record(self, key: ConversationKey, event: Event, fate: Fate, history_days: int) -> None:
        now = self._clock.now()
        if event.message is None:
            self._people.state_changed(key, event.conversation, now)
        elif fate is Fate.PERSON_WROTE:
            self._people.person_wrote(key, event.conversation, event.message, now, keep_days=history_days)
        elif fate is Fate.DELETED:
            self._people.deleted(key, event.conversation, event.message, now)
        elif fate is Fate.PART_FAILED:
            # Whoever is told, and once per turn, is a matter for the conversation's own worker.
            self._queue.send_failure(part_failure(key, event.conversation, event.message, now))
        else:
            self._own_message(key, event.message)

    def _own_message(self, key: ConversationKey, message: Message) -> None:
        copies = self._people.came_back(key, message, self._clock.now())
        if copies > 1:
            count("DuplicateParts")
            log.error("one part of a reply was stored twice", conversation=key.group_id, copies=copies)


def check_delivery(company: KnownCompany | None, delivery: Delivery, now_seconds: float) -> KnownCompany:
    """Whether a delivery proves to come from a company's Chatwoot.

    Args:
        company: who it claims to be for; ``None`` where there is no such company.
        delivery: the request.
        now_seconds: the current Unix time.

    Returns:
        The company.

    Raises:
        Untrusted: it does not; ``reason`` says why, for logs and the doctor.
    """
    if company is None:
        raise Untrusted("there is no such company", reason="unknown_company")
    connection = company.card.connection
    if company.card.mode == "off" or connection is None:
        raise Untrusted("the company is switched off or not connected", reason="company_off")
    if connection.signature == "token":
        if company.path_token is None:
            raise Untrusted("no path token is configured for this company", reason="no_secret")
        if not company.path_token.matches(delivery.token or ""):
            raise Untrusted("the path's token is not the company's", reason="token_wrong")
    elif connection.signature == "legacy":
        signature.verify_legacy(delivery.headers, delivery.body, company.secrets)
    else:
        signature.verify(delivery.headers, delivery.body, company.secrets, now_seconds=now_seconds)
    return company


def _check(company: KnownCompany | None, delivery: Delivery, now_seconds: float) -> KnownCompany:
    try:
        return check_delivery(company, delivery, now_seconds)
    except Untrusted as refused:
        if refused.reason == "no_secret" and company is not None:
            # The company's customers are not answered until an operator stores one.
            count("CompaniesWithoutSecret")
            log.error("a company has no webhook secret", company_id=company.card.company_id)
        raise


def _require_account(company: KnownCompany, event: Event) -> None:
    connection, account_id = company.card.connection, event.conversation.account_id
    if connection is not None and account_id not in {None, connection.account_id}:
        raise Untrusted("the body's account is not the company's", reason="account")


def _places(event: Event | None, body: object) -> tuple[int | None, int | None, tuple[str, ...]]:
    if event is not None:
        found = event.conversation
        return found.account_id, found.inbox_id, found.claimed_company_ids
    account = body.get("account") if isinstance(body, dict) else None
    number = account.get("id") if isinstance(account, dict) else None
    return (number if isinstance(number, int) else None), None, ()


def _json(body: bytes) -> object:
    try:
        # Chatwoot writes plain UTF-8; NaN and Infinity are no JSON (RFC 8259 section 6).
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidInput("the body is not JSON", reason="not_json") from None


def _refuse_constant(_: str) -> None:
    raise ValueError("no JSON value")
