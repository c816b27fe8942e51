"""A desk on a table of moto's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.desk import World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.platform.tables import Table


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> Table:
    """The conversations table, empty."""
    return AtomicTable(make_table(dynamodb, "conversations"))


@pytest.fixture
def world(table: Table) -> World:
    """One company with everything outside of it faked."""
    return World(table)
