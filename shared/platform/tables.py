"""DynamoDB tables as plain Python values, with conditions as the only lock.

Numbers go in as ``int`` and come out as ``int``; floats are refused by DynamoDB's own serializer.
Item times are milliseconds since 1970 (UTC); ``expires_at`` is whole seconds, as TTL wants it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from shared.platform.errors import FrontdeskError, RetryLater

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

type_serializer = TypeSerializer()
type_deserializer = TypeDeserializer()

Item = dict[str, Any]
_CONFLICT_TRIES = 5
_BATCH_ITEMS = 25  # BatchWriteItem takes no more
_BATCH_KEYS = 100  # nor BatchGetItem


class ConditionFailed(FrontdeskError):
    """Somebody else was there first: the write's condition did not hold, and nothing was written.

    Args:
        item: the item as it stood, where DynamoDB returned it.
    """

    default_reason = "condition_failed"

    def __init__(self, item: Item | None = None) -> None:
        super().__init__("the write's condition did not hold")
        self.item = item


@dataclass(frozen=True)
class Key:
    """Where an item stands: its partition (``pk``) and its place in it (``sk``)."""

    pk: str
    sk: str

    def as_item(self) -> Item:
        """The key's two attributes."""
        return {"pk": self.pk, "sk": self.sk}


@dataclass(frozen=True)
class Put:
    """Write a whole item."""

    item: Item
    condition: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Update:
    """Change some attributes of an item, which is made if it does not exist."""

    key: Key
    expression: str
    condition: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delete:
    """Remove an item."""

    key: Key
    condition: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """In a transaction: require something of an item without changing it."""

    key: Key
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


Write = Put | Update | Delete
TransactionPart = Put | Update | Delete | Check


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON-like value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Binary):
        return cast("bytes", value.__bytes__())
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, set):
        return {_plain(inner) for inner in value}
    return value


def to_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as DynamoDB's typed attribute values."""
    return {key: type_serializer.serialize(value) for key, value in item.items()}


def from_wire(item: Mapping[str, Any]) -> Item:
    """DynamoDB's typed attribute values as plain values."""
    return {key: _plain(type_deserializer.deserialize(value)) for key, value in item.items()}


def _look_into(refused: ClientError) -> None:
    """Raise what a cancelled transaction means; return when it only met another write."""
    reasons: list[dict[str, Any]] = refused.response.get("CancellationReasons", [])  # type: ignore[assignment]
    for reason in reasons:
        if reason.get("Code") == "ConditionalCheckFailed":
            item = reason.get("Item")
            raise ConditionFailed(from_wire(item) if item else None) from None
    if not any(reason.get("Code") == "TransactionConflict" for reason in reasons):
        raise refused


def _require_conflict(refused: ClientError) -> None:
    """Raise what a refused write means; return when it only met a transaction and was certainly not done."""
    code = refused.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        item = refused.response.get("Item")
        raise ConditionFailed(from_wire(item) if item else None) from None  # type: ignore[arg-type]
    if code != "TransactionConflictException":
        raise refused


def spans_nothing(between: tuple[str, str]) -> bool:
    """Whether no key lies between two, because the second comes first: DynamoDB refuses such a question.

    Raises:
        ValueError: one is empty, which DynamoDB refuses as well.
    """
    low, high = between
    if not (low and high):
        raise ValueError("a key is never empty")
    return low.encode() > high.encode()


def _query(pk: str, prefix: str, between: tuple[str, str] | None, keys: str) -> dict[str, Any]:
    condition, values = f"{keys}pk = :pk", {":pk": pk}
    if prefix:
        condition, values = condition + f" AND begins_with({keys}sk, :sk)", {**values, ":sk": prefix}
    elif between is not None:
        condition += f" AND {keys}sk BETWEEN :from AND :to"
        values = {**values, ":from": between[0], ":to": between[1]}
    return {"KeyConditionExpression": condition, "ExpressionAttributeValues": to_wire(values)}


class Table:
    """One DynamoDB table with a partition key ``pk`` and a sort key ``sk``.

    Args:
        client: a DynamoDB client; clients are thread-safe, so one serves all threads.
        name: the table's name.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """One item, or ``None``.

        Args:
            key: where it stands.
            consistent: see every write that was acknowledged before (twice the read cost).
        """
        answer = self._client.get_item(
            TableName=self.name, Key=to_wire(key.as_item()), ConsistentRead=consistent
        )
        return from_wire(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        """Those items that are there, in no order, each read consistently.

        Raises:
            RetryLater: the table keeps some of them waiting.
        """
        wanted = [to_wire(key.as_item()) for key in dict.fromkeys(keys)]
        found: list[Item] = []
        for start in range(0, len(wanted), _BATCH_KEYS):
            found += self._batch(wanted[start : start + _BATCH_KEYS])
        return found

    def _batch(self, keys: list[dict[str, Any]]) -> list[Item]:
        found: list[Item] = []
        request: Any = {self.name: {"Keys": keys, "ConsistentRead": True}}
        for _ in range(_CONFLICT_TRIES):
            answer: Any = self._client.batch_get_item(RequestItems=request)
            found += [from_wire(item) for item in answer.get("Responses", {}).get(self.name, [])]
            request = answer.get("UnprocessedKeys")
            if not request:
                return found
        raise RetryLater("the table keeps reads waiting", reason="table_busy")

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        between: tuple[str, str] | None = None,
        limit: int | None = None,
        newest_first: bool = False,
        consistent: bool = False,
        index: str = "",
    ) -> list[Item]:
        """The items of one partition, in the order of their sort keys.

        Args:
            pk: the partition.
            prefix: only sort keys that begin so.
            between: only sort keys from the first to the second, both included; not together with ``prefix``.
                Where the second comes first there is nothing.
            limit: at most so many.
            newest_first: descending order.
            consistent: see `get`.
            index: of this index, whose keys are ``<index>_pk`` and ``<index>_sk``; it holds what its items
                project, a moment later than the table, and cannot be read consistently.

        Raises:
            ValueError: an end of ``between`` is empty.
        """
        if between is not None and spans_nothing(between):
            return []
        request = _query(pk, prefix, between, f"{index}_" if index else "")
        request |= {"TableName": self.name, "ScanIndexForward": not newest_first}
        request |= {"IndexName": index} if index else {"ConsistentRead": consistent}
        if limit is not None:
            request["Limit"] = limit
        items: list[Item] = []
        for item in self._pages(request):
            items.append(item)
            if limit is not None and len(items) >= limit:
                break
        return items

    def _pages(self, request: dict[str, Any]) -> Iterator[Item]:
        for page in self._client.get_paginator("query").paginate(**request):
            for item in page["Items"]:
                yield from_wire(item)

    def scan(self) -> Iterator[Item]:
        """Every item of the table, in no order: for operators' work, never for a request."""
        for page in self._client.get_paginator("scan").paginate(TableName=self.name):
            for item in page["Items"]:
                yield from_wire(item)

    def keys_below(self, prefix: str) -> Iterator[Key]:
        """Where every item stands whose partition begins so, in no order: for operators' work.

        The whole table is read, and paid for, at half a read unit for four kilobytes.
        """
        request: dict[str, Any] = {
            "TableName": self.name,
            "ProjectionExpression": "pk, sk",
            "FilterExpression": "begins_with(pk, :prefix)",
            "ExpressionAttributeValues": to_wire({":prefix": prefix}),
        }
        for page in self._client.get_paginator("scan").paginate(**request):
            for item in page["Items"]:
                plain = from_wire(item)
                yield Key(plain["pk"], plain["sk"])

    def put(self, item: Item, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """Write a whole item.

        Raises:
            ConditionFailed: ``condition`` did not hold.
        """
        self._one("put_item", Put(item, condition, values or {}))

    def put_many(self, items: Sequence[Item]) -> None:
        """Write whole items, without conditions and not as one: for writes that may be done twice.

        Raises:
            RetryLater: the table keeps some of them waiting.
        """
        self._write_many([{"PutRequest": {"Item": to_wire(item)}} for item in items])

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Remove items, not as one; those that are not there are fine.

        Raises:
            RetryLater: the table keeps some of them waiting.
        """
        self._write_many([{"DeleteRequest": {"Key": to_wire(key.as_item())}} for key in keys])

    def _write_many(self, requests: list[dict[str, Any]]) -> None:
        for _ in range(_CONFLICT_TRIES):
            left = []
            for start in range(0, len(requests), _BATCH_ITEMS):
                chunk: Any = {self.name: requests[start : start + _BATCH_ITEMS]}
                answer: Any = self._client.batch_write_item(RequestItems=chunk)
                left += answer.get("UnprocessedItems", {}).get(self.name, [])
            if not left:
                return
            requests = left
        raise RetryLater("the table keeps writes waiting", reason="table_busy")

    def update(
        self,
        key: Key,
        expression: str,
        condition: str = "",
        *,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Item:
        """Change some attributes and return the whole item as it is afterwards.

        Raises:
            ConditionFailed: ``condition`` did not hold.
        """
        return self._one("update_item", Update(key, expression, condition, values or {}, names or {}))

    def delete(self, key: Key, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """Remove an item; removing what is not there is fine.

        Raises:
            ConditionFailed: ``condition`` did not hold.
        """
        self._one("delete_item", Delete(key, condition, values or {}))

    def transact(self, parts: Sequence[TransactionPart]) -> None:
        """All of it or nothing, at most 100 parts.

        Raises:
            ConditionFailed: one of the conditions did not hold; ``item`` is that part's item where known.
            RetryLater: other writes kept touching the same items.
        """
        request = [self._transaction_part(part) for part in parts]
        for _ in range(_CONFLICT_TRIES):
            try:
                self._client.transact_write_items(TransactItems=request)
            except self._client.exceptions.TransactionCanceledException as refused:
                _look_into(refused)
            else:
                return
        raise RetryLater("other writes keep touching the same items", reason="transaction_conflict")

    def _one(self, operation: str, write: Write) -> Item:
        request = self._request(write)
        if operation == "update_item":
            request["ReturnValues"] = "ALL_NEW"
        for _ in range(_CONFLICT_TRIES):
            try:
                answer = getattr(self._client, operation)(**request)
            except ClientError as refused:
                _require_conflict(refused)
            else:
                return from_wire(answer.get("Attributes", {}))
        raise RetryLater("a transaction keeps touching the same item", reason="transaction_conflict")

    def _request(self, part: TransactionPart) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": self.name}
        if isinstance(part, Put):
            request["Item"] = to_wire(part.item)
        else:
            request["Key"] = to_wire(part.key.as_item())
        if isinstance(part, Update):
            request["UpdateExpression"] = part.expression
        if part.condition:
            request["ConditionExpression"] = part.condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if part.values:
            request["ExpressionAttributeValues"] = to_wire(part.values)
        if part.names:
            request["ExpressionAttributeNames"] = dict(part.names)
        return request

    def _transaction_part(self, part: TransactionPart) -> TransactWriteItemTypeDef:
        kind = {Put: "Put", Update: "Update", Delete: "Delete", Check: "ConditionCheck"}[type(part)]
        return {kind: self._request(part)}  # type: ignore[misc]
