"""Commands that work on stored credentials with the operator's own AWS rights, on moto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from shared.companies.audit import Audit
from shared.credentials.rotation import RECORD, SETTLING
from shared.platform.clock import SystemClock
from shared.platform.secret import Secret
from tests.support.aws import make_table
from tests.support.vault import World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.fakes.clock import FakeClock

TOKEN = Secret("planted-token")


class Terminal:
    """An operator with AWS rights, beside a deployment that is in moto.

    Args:
        dynamodb: moto's.
        kms: moto's.
        clock: of the deployment.
    """

    def __init__(self, dynamodb: DynamoDBClient, kms: KMSClient, clock: FakeClock) -> None:
        self.world = World(dynamodb, kms, clock)
        self.companies = make_table(dynamodb, "companies")
        self.environment = {
            "FRONTDESK_COMPANIES_TABLE": "companies",
            "FRONTDESK_CREDENTIALS_TABLE": "credentials",
            "FRONTDESK_KMS_KEY_ARN": self.world.key_arn,
        }

    def run(self, *words: str, json_wanted: bool = False) -> Result:
        """Type a command."""
        return CliRunner().invoke(main, [*(["--json"] if json_wanted else []), *words], env=self.environment)

    def wait(self) -> None:
        """Let the table settle: the command's clock is the machine's, so what it noted is made older."""
        item = self.world.table.get(RECORD)
        assert item is not None
        earlier = item["settled_from_ms"] - int(SETTLING.total_seconds() * 1000)
        self.world.table.put({**item, "settled_from_ms": earlier})

    def audited(self) -> list[dict[str, Any]]:
        """What the operator's trail tells of it, newest first."""
        records, _ = Audit(self.companies, SystemClock()).list("operator", 50)
        return [dict(record.detail) for record in records]


@pytest.fixture
def terminal(
    dynamodb: DynamoDBClient, kms: KMSClient, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A deployment with credentials of two companies."""
    for name in ("STAGE", "COMPANIES_TABLE", "CREDENTIALS_TABLE", "KMS_KEY_ARN"):
        monkeypatch.delenv(f"FRONTDESK_{name}", raising=False)
    made = Terminal(dynamodb, kms, clock)
    for company_id in ("luna", "sol"):
        made.world.credentials.put(company_id, "chatwoot", "user_token", TOKEN)
    return made


def test_all_keys_are_rotated_in_two_runs_with_a_wait_between(terminal: Terminal) -> None:
    """Progress on standard error, the result on standard output, the act in the audit trail."""
    first = terminal.run("credentials", "rotate", "--all", "--no-wait")
    assert first.exit_code == 0, first.output
    assert "2 data keys made, 2 values sealed again, 0 old data keys destroyed." in first.stdout
    assert "Run it again at" in first.stdout
    assert "sealing: 2 of 2 companies" in first.stderr
    terminal.wait()
    second = terminal.run("credentials", "rotate", "--all", json_wanted=True)
    assert second.exit_code == 0, second.output
    told = json.loads(second.stdout)
    assert (told["finished"], told["keys_destroyed"], told["problems"]) == (True, 2, [])
    for company_id in ("luna", "sol"):
        keys = terminal.world.table.query(f"company#{company_id}", prefix="datakey#")
        assert [item["sk"] for item in keys] == ["datakey#chatwoot#0000000002"]
        assert terminal.world.fresh_credentials().get(company_id, "chatwoot", "user_token") == TOKEN
    assert [one["finished"] for one in terminal.audited()] == [True, False]
    assert TOKEN.reveal() not in first.output + second.output


def test_another_kms_key_is_refused_until_the_deployment_uses_it(terminal: Terminal, kms: KMSClient) -> None:
    """Else its functions could not open what this has sealed."""
    new = kms.create_key()["KeyMetadata"]["Arn"]
    words = ("credentials", "rotate", "--company", "sol", "--new-kms-key", new, "--no-wait")
    refused = terminal.run(*words)
    assert (refused.exit_code, f"-c kms_key_arn={new}" in refused.stderr) == (1, True)
    terminal.environment["FRONTDESK_KMS_KEY_ARN"] = new
    assert terminal.run(*words).exit_code == 0
    terminal.wait()
    assert terminal.run(*words).exit_code == 0
    rows = {one: terminal.world.table.query(f"company#{one}", prefix="datakey#") for one in ("sol", "luna")}
    assert [item["kms_key"] for item in rows["sol"]] == [new]
    assert [item["kms_key"] for item in rows["luna"]] == [terminal.world.key_arn]


def test_a_value_that_stands_in_the_way_is_told_and_ends_with_one(terminal: Terminal) -> None:
    """The rest is rotated."""
    row = terminal.world.row("sol", "credential#chatwoot#user_token")
    sealed = bytes(row["sealed"])
    terminal.world.table.put({**row, "sealed": sealed[:-1] + bytes([sealed[-1] ^ 1])})
    terminal.run("credentials", "rotate", "--all", "--no-wait")
    terminal.wait()
    result = terminal.run("credentials", "rotate", "--all", "--no-wait")
    assert result.exit_code == 1
    assert "company#sol credential#chatwoot#user_token" in result.stderr
    assert "1 old data keys destroyed" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--all", "--company", "sol"),
        ("--company", "a#b"),
        ("--all", "--credentials-table", ""),
    ],
)
def test_it_must_be_said_whose_and_where(terminal: Terminal, words: tuple[str, ...]) -> None:
    """Typed wrongly, nothing happens."""
    result = terminal.run("credentials", "rotate", *words)
    assert result.exit_code == 2
    assert terminal.world.table.get(RECORD) is None
