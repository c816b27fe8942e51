"""AWS resources in moto, made like the stack makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.platform.tables import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def make_table(client: DynamoDBClient, name: str) -> Table:
    """An empty table with the keys that every table of ours has, and the conversations' index."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "recent_pk", "AttributeType": "S"},
            {"AttributeName": "recent_sk", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "recent",
                "KeySchema": [
                    {"AttributeName": "recent_pk", "KeyType": "HASH"},
                    {"AttributeName": "recent_sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["last_outcome"]},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return Table(client, name)
