"""Companies at rest: the document, the Chatwoot connection and the claims on inboxes, kept in step.

A document and a connection together say which inboxes a company owns. Every write reads both, works out the
claim before and after, and writes all of it in one transaction that fails if any of it changed meanwhile;
then it starts again from a fresh read.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.companies.card import card_attributes
from shared.companies.claims import changes, claim_of
from shared.companies.connection import ChatwootConnection
from shared.companies.model import MAX_DOCUMENT_BYTES, Company
from shared.companies.names import (
    CONNECTION,
    DIRECTORY_PK,
    DOCUMENT,
    SCHEMA_VERSION,
    company_pk,
    is_company_id,
)
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import Conflict, FieldError, GiveUp, InvalidInput, NotFound
from shared.platform.tables import Check, ConditionFailed, Delete, Key, Put

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.platform.clock import Clock
    from shared.platform.tables import Item, Table, TransactionPart

    Parts = list[TransactionPart]

# With ten writers on one account at once the unluckiest needs ten tries.
MAX_TRIES = 12
TRY_AGAIN_SECONDS = 0.03


@dataclass(frozen=True)
class StoredCompany:
    """A document as it was written, with what the store knows of it.

    Args:
        company_id: its id.
        version: grows by one with each write.
        document: exactly what was written.
        updated_at: milliseconds since 1970, UTC.
    """

    company_id: str
    version: int
    document: dict[str, Any]
    updated_at: int


@dataclass(frozen=True)
class CompanySummary:
    """One line of the list of companies; ``calendars`` is ``None`` in lines that are older than the count."""

    company_id: str
    name: str
    mode: str
    version: int
    updated_at: int
    calendars: int | None = None


@dataclass(frozen=True)
class _State:
    """What a write starts from."""

    company_id: str
    document: Item | None
    connection: Item | None

    @property
    def chatwoot(self) -> ChatwootConnection | None:
        return ChatwootConnection.from_item(self.connection) if self.connection else None


class CompanyStore:
    """Reads and writes companies.

    Args:
        table: the companies table.
        clock: for times, and for the pause before another try.
    """

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def put(self, company_id: str, company: Company, *, expected_version: int | None = None) -> int:
        """Write a company's document, new or in place of the earlier one.

        Args:
            company_id: its id.
            company: the document.
            expected_version: write only if this version is the one in place; 0: only if there is none.

        Returns:
            The new version.

        Raises:
            InvalidInput: the id is none, the document is too large, or the version is another (412).
            Conflict: an inbox belongs to another company.
        """
        _check_id(company_id)
        attributes = _attributes(company)
        written: Item = {}

        def plan(state: _State) -> Parts:
            version = state.document["version"] if state.document else 0
            _check_version(expected_version, version)
            item = self._item(company_id, DOCUMENT, attributes | {"version": version + 1})
            written.update(item)
            before, after = claim_of(state.document, state.chatwoot), claim_of(item, state.chatwoot)
            return [
                _unless_changed(state.document, Put(item)),
                _unchanged(Key(company_pk(company_id), CONNECTION), state.connection),
                Put(_listed(item, company_id, len(company.calendars))),
                *changes(self._table, company_id, before, after),
            ]

        self._write(company_id, plan)
        return int(written["version"])

    def read(self, company_id: str) -> StoredCompany:
        """A company's document as it was written.

        Raises:
            NotFound: there is no such company.
        """
        item = self._table.get(Key(company_pk(company_id), DOCUMENT), consistent=True)
        if item is None:
            raise _no_company()
        return StoredCompany(company_id, item["version"], json.loads(item["document"]), item["updated_at"])

    def get(self, company_id: str) -> Company:
        """A company's document, validated, with every default filled in.

        Raises:
            NotFound: there is no such company.
            GiveUp: the stored document does not fit today's rules.
        """
        stored = self.read(company_id)
        try:
            return Company.parse(stored.document)
        except InvalidInput as error:
            raise GiveUp(
                f"the stored document of {company_id} is invalid: {error}", reason="document_invalid"
            ) from error

    def list(self, limit: int, cursor: str | None = None) -> tuple[Sequence[CompanySummary], str | None]:
        """Companies by id, and where to go on, ``None`` at the end.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        if cursor is not None and not is_company_id(cursor):
            raise InvalidInput("the cursor is not one that this list gave out", reason="bad_cursor")
        span = (company_pk(cursor or ""), company_pk("~"))
        found = [_summary(item) for item in self._table.query(DIRECTORY_PK, between=span, limit=limit + 1)]
        return found[:limit], found[limit].company_id if len(found) > limit else None

    def delete(self, company_id: str) -> None:
        """Remove the document and the connection, and free the inboxes.

        Raises:
            NotFound: there is no such company.
        """
        pk = company_pk(company_id)

        def plan(state: _State) -> Parts:
            if state.document is None:
                raise _no_company()
            claims = changes(self._table, company_id, claim_of(state.document, state.chatwoot), None)
            return [
                _unless_changed(state.document, Delete(Key(pk, DOCUMENT))),
                _unless_changed(state.connection, Delete(Key(pk, CONNECTION))),
                Delete(Key(DIRECTORY_PK, pk)),
                *claims,
            ]

        self._write(company_id, plan)

    def connection(self, company_id: str) -> ChatwootConnection | None:
        """The company's Chatwoot connection, also a disconnected one; ``None`` where it never had one."""
        item = self._table.get(Key(company_pk(company_id), CONNECTION), consistent=True)
        return ChatwootConnection.from_item(item) if item else None

    def installations(self, company_id: str) -> int:
        """To how many Chatwoot accounts the company was connected, one after another; at least one."""
        connection = self.connection(company_id)
        return 1 if connection is None else connection.installation

    def connect(self, company_id: str, connection: ChatwootConnection) -> None:
        """Write the connection in place of any earlier one, and claim the company's inboxes there.

        Raises:
            NotFound: there is no such company.
            Conflict: an inbox belongs to another company.
        """

        def plan(state: _State) -> Parts:
            if state.document is None:
                raise _no_company()
            item = self._item(company_id, CONNECTION, connection.as_item())
            claims = changes(
                self._table,
                company_id,
                claim_of(state.document, state.chatwoot),
                claim_of(state.document, connection),
            )
            return [
                _unless_changed(state.connection, Put(item)),
                _unchanged(Key(company_pk(company_id), DOCUMENT), state.document),
                *claims,
            ]

        self._write(company_id, plan)

    def marker_lost(self, company_id: str) -> None:
        """Note that the company's Chatwoot does not give markers back: our messages are known by sender."""
        with suppress(ConditionFailed):  # disconnected meanwhile: there is nothing to note
            self._table.update(
                Key(company_pk(company_id), CONNECTION),
                "SET marker_survives = :no",
                "attribute_exists(pk)",
                values={":no": False},
            )

    def inboxes_read(self, company_id: str, connection: ChatwootConnection) -> None:
        """Note which inboxes assign conversations by themselves, as just read there."""
        with suppress(ConditionFailed):  # it is connected with another account meanwhile
            self._table.update(
                Key(company_pk(company_id), CONNECTION),
                "SET auto_assignment = :rules, inboxes_read_at = :at",
                "origin = :origin AND account_id = :account",
                values={
                    ":rules": dict(connection.auto_assignment),
                    ":at": connection.inboxes_read_at,
                    ":origin": connection.origin,
                    ":account": connection.account_id,
                },
            )

    def disconnect(self, company_id: str) -> None:
        """Put the connection out of use and free the inboxes; without a connection nothing happens.

        Raises:
            NotFound: there is no such company.
        """
        connection = self.connection(company_id)
        if connection is not None:
            self.connect(company_id, connection.disconnected())

    def _item(self, company_id: str, sk: str, attributes: Item) -> Item:
        return {
            **Key(company_pk(company_id), sk).as_item(),
            "v": SCHEMA_VERSION,
            "revision": secrets.token_hex(8),
            "updated_at": epoch_milliseconds(self._clock.now()),
            **attributes,
        }

    def _write(self, company_id: str, plan: Callable[[_State], Parts]) -> None:
        pk = company_pk(company_id)
        for attempt in range(MAX_TRIES):
            document = self._table.get(Key(pk, DOCUMENT), consistent=True)
            connection = self._table.get(Key(pk, CONNECTION), consistent=True)
            try:
                self._table.transact(plan(_State(company_id, document, connection)))
            except ConditionFailed:
                # Each waits a little differently, else the same writers meet again.
                self._clock.sleep(TRY_AGAIN_SECONDS * (attempt + 1) * (0.5 + secrets.randbelow(1000) / 1000))
            else:
                return
        raise Conflict("the company is being changed by others; try again", reason="busy")


def _unless_changed(before: Item | None, write: Put | Delete) -> Put | Delete:
    """The same write, on condition that the item is as it was read.

    The revision is random, so an item that was removed and written again is a changed one.
    """
    condition, values = _as_before(before)
    if isinstance(write, Put):
        return Put(write.item, condition, values)
    return Delete(write.key, condition, values)


def _unchanged(key: Key, before: Item | None) -> Check:
    condition, values = _as_before(before)
    return Check(key, condition, values)


def _as_before(before: Item | None) -> tuple[str, Item]:
    if before is None:
        return "attribute_not_exists(pk)", {}
    return "revision = :revision", {":revision": before["revision"]}


def _listed(document: Item, company_id: str, calendars: int) -> Item:
    plain = {name: document[name] for name in ("v", "name", "mode", "version", "updated_at")}
    own = {"company_id": company_id, "calendars": calendars}
    return {**Key(DIRECTORY_PK, company_pk(company_id)).as_item(), **own, **plain}


def _summary(item: Item) -> CompanySummary:
    return CompanySummary(
        item["company_id"],
        item["name"],
        item["mode"],
        item["version"],
        item["updated_at"],
        item.get("calendars"),
    )


def _no_company() -> NotFound:
    return NotFound("there is no such company")


def _check_id(company_id: str) -> None:
    if not is_company_id(company_id):
        problem = "must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit"
        raise InvalidInput(f"company_id {problem}", fields=(FieldError("company_id", problem),), status=422)


def _check_version(expected: int | None, version: int) -> None:
    if expected not in {None, version}:
        raise InvalidInput(
            f"the document's version is {version}, not {expected}", reason="version_changed", status=412
        )


def _attributes(company: Company) -> Item:
    """The document as text, and beside it what others read without reading the document."""
    document = company.as_document()
    text = json.dumps(document, ensure_ascii=False)
    if len(text.encode()) > MAX_DOCUMENT_BYTES:
        problem = f"must have at most {MAX_DOCUMENT_BYTES} bytes as JSON"
        raise InvalidInput(f"the document {problem}", fields=(FieldError("knowledge", problem),), status=413)
    return {**card_attributes(document), "document": text, "name": company.name}
