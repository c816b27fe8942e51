"""AWS resources in moto, made like the stack makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.names import CALENDAR_INDEXES, REFRESH_DUE_INDEX, WAITING_INDEX, WRITTEN_ATTRIBUTES, WRITTEN_INDEX
from shared.platform.tables import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeDefinitionTypeDef,
        GlobalSecondaryIndexTypeDef,
        ProjectionTypeDef,
    )


def make_table(client: DynamoDBClient, name: str) -> Table:
    """An empty table with the keys that every table of ours has, and the indexes of ours."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            *_keys("recent", WRITTEN_INDEX, WAITING_INDEX, REFRESH_DUE_INDEX, *CALENDAR_INDEXES),
        ],
        GlobalSecondaryIndexes=[
            _index("recent", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["last_outcome"]}),
            _index(
                WRITTEN_INDEX, {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(WRITTEN_ATTRIBUTES)}
            ),
            *(
                _index(name, {"ProjectionType": "KEYS_ONLY"})
                for name in (WAITING_INDEX, REFRESH_DUE_INDEX, *CALENDAR_INDEXES)
            ),
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return Table(client, name)


def _keys(*indexes: str) -> list[AttributeDefinitionTypeDef]:
    return [
        {"AttributeName": f"{index}_{key}", "AttributeType": "S"} for index in indexes for key in ("pk", "sk")
    ]


def _index(name: str, projection: ProjectionTypeDef) -> GlobalSecondaryIndexTypeDef:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": f"{name}_pk", "KeyType": "HASH"},
            {"AttributeName": f"{name}_sk", "KeyType": "RANGE"},
        ],
        "Projection": projection,
    }
