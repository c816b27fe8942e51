"""``frontdesk company forget``: through the API and over the tables, on moto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from infra import names
from shared.companies.forgetting import SETTLING
from shared.companies.names import OPERATOR
from shared.platform.secret import Secret
from shared.platform.tables import Key, Table
from tests.support.api import Api
from tests.support.api_server import ApiServer
from tests.support.aws import make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef


class Desk:
    """An operator with an API key and AWS rights."""

    def __init__(self, api: Api, url: str) -> None:
        self.api = api
        client = boto3.client("dynamodb", region_name="eu-west-1")
        made = client.list_tables()["TableNames"]
        self.tables = {
            name: Table(client, name) if name in made else make_table(client, name) for name in names.TABLES
        }
        self.environment = {
            "FRONTDESK_API_URL": url,
            "FRONTDESK_API_KEY": api.operator,
            "FRONTDESK_FILES_BUCKET": api.bucket.name,
            **{f"FRONTDESK_{name.upper()}_TABLE": name for name in names.TABLES},
        }

    def run(self, *words: str, typed: str = "") -> Result:
        """Type a command."""
        return CliRunner().invoke(main, words, env=self.environment, input=typed)

    def files(self) -> list[ObjectVersionTypeDef]:
        """Every version of every file."""
        bucket = self.api.bucket
        return bucket.client.list_object_versions(Bucket=bucket.name).get("Versions", [])

    def left(self, company_id: str) -> list[str]:
        """Where the company's name stands in any table, the operator's trail left out."""
        return [
            f"{name} {item['pk']} {item['sk']}"
            for name, table in self.tables.items()
            for item in table.scan()
            if company_id in repr(item) and not item["pk"].startswith("audit#")
        ]


@pytest.fixture
def desk(dynamodb: DynamoDBClient, kms: KMSClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A deployment with the companies sol and luna, each with credentials and a conversation."""
    monkeypatch.delenv("FRONTDESK_STAGE", raising=False)
    api = Api(dynamodb, kms)
    with ApiServer(api) as server:
        desk = Desk(api, server.url)
        for company_id in ("sol", "luna"):
            api.company(company_id)
            api.credentials.put(company_id, "chatwoot", "user_token", Secret("planted"))
            pk = f"company#{company_id}#conversation#3#214"
            items = [{"pk": pk, "sk": f"inbox#{number:03}", "v": 1, "text": "hello"} for number in range(60)]
            desk.tables["conversations"].put_many(items)
            for number in range(2):  # versions
                key = f"company/{company_id}/file/a"
                api.bucket.client.put_object(Bucket=api.bucket.name, Key=key, Body=bytes([number]))
        yield desk


def test_a_company_is_forgotten_in_two_runs_and_the_receipt_tells_it(desk: Desk) -> None:
    """Nothing bears its name any more but the operator's trail; the other company is as it was."""
    lunas = desk.left("luna")
    first = desk.run("--json", "company", "forget", "sol", "--yes", "--no-wait")
    assert first.exit_code == 0, first.output
    receipt = json.loads(first.stdout)
    counts = {line["what"]: line["count"] for line in receipt["removed"]}
    assert (receipt["complete"], counts["conversations: conversation inbox"]) == (False, 60)
    assert counts["files of e-mails"] == 2
    assert [one["Key"] for one in desk.files()] == ["company/luna/file/a"] * 2
    assert desk.left("sol") == ["companies operator forget#sol"]
    row = Key(OPERATOR, "forget#sol")
    item = desk.tables["companies"].get(row)
    assert item is not None
    earlier = item["swept_ms"] - int(SETTLING.total_seconds() * 1000)
    desk.tables["companies"].put({**item, "swept_ms": earlier})
    second = desk.run("company", "forget", "sol", "--yes")
    assert second.exit_code == 0, second.output
    assert "removed       60  conversations: conversation inbox" in second.stdout
    assert "removed        1  data keys" in second.stdout
    assert "removed        1  documents" in second.stdout
    assert "remains  until" in second.stdout
    trail = desk.api("GET", "/api/companies/operator/audit", key=desk.api.operator).json["records"]
    assert trail[0]["action"] == "company.forget"
    assert [one for one in desk.left("sol") if not one.startswith("companies operator audit#")] == []
    assert desk.left("luna") == lunas


def test_it_asks_first_and_knows_what_is_no_id(desk: Desk) -> None:
    """No is no."""
    before = desk.left("sol")
    assert desk.run("company", "forget", "sol", typed="n\n").exit_code == 1
    assert desk.run("company", "forget", "a#b", "--yes").exit_code == 2
    assert desk.left("sol") == before


def test_a_key_that_may_not_deletes_nothing(desk: Desk) -> None:
    """The API refuses before any table is touched."""
    before = desk.left("sol")
    desk.environment["FRONTDESK_API_KEY"] = desk.api.key("operator", "read")
    result = desk.run("company", "forget", "sol", "--yes", "--no-wait")
    assert (result.exit_code, "scope" in result.stderr) == (1, True)
    assert [one for one in desk.left("sol") if one != "companies operator forget#sol"] == before
