"""A desk on a table in memory, and on moto's for whoever wants DynamoDB's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.table import MemoryTable
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.desk import World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.platform.tables import Table


@pytest.fixture
def table() -> Table:
    """The conversations table, empty."""
    return MemoryTable("conversations")


@pytest.fixture
def moto_table(dynamodb: DynamoDBClient) -> Table:
    """The same in moto, which parses every expression as DynamoDB does."""
    return AtomicTable(make_table(dynamodb, "conversations"))


@pytest.fixture
def world(table: Table) -> World:
    """One company with everything outside of it faked."""
    return World(table)
