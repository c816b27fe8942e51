"""Connections of an older program's table, taken over from its CSV export."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from cli.main import main
from shared.companies.model import Company
from shared.companies.store import CompanyStore
from shared.credentials.connections import Connections
from shared.credentials.importing import COLUMNS, fernet_keys
from shared.platform.clock import SystemClock
from shared.platform.errors import InvalidInput
from tests.support.aws import make_table
from tests.support.vault import World

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.fakes.clock import FakeClock

OLD_KEY, NEW_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
CALENDAR = "https://www.googleapis.com/auth/calendar"
IN_AN_HOUR = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def row(company_id: str, provider: str, key: str = NEW_KEY, **changes: str) -> dict[str, str]:
    """A row of the older table."""
    fernet = Fernet(key)
    return {
        "company_id": company_id,
        "provider": provider,
        "access_token": fernet.encrypt(f"planted-access-{company_id}".encode()).decode(),
        "refresh_token": fernet.encrypt(f"planted-refresh-{company_id}".encode()).decode(),
        "expires_at": IN_AN_HOUR.isoformat(" "),
        "scopes": json.dumps([CALENDAR, "openid", "email"]),
        "is_active": "t",
        "metadata": json.dumps({"email": "owner@example.com", "sub": "123"}),
        **changes,
    }


class Desk:
    """An operator with an export on disk.

    Args:
        world: the credentials table and its vault.
        folder: for files.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.connections = Connections(world.table, world.vault, world.clock)

    def run(self, rows: list[dict[str, str]], *words: str, json_wanted: bool = True) -> Result:
        """Write the export and type the command."""
        text = io.StringIO()
        writer = csv.DictWriter(text, [*COLUMNS, "created_at"])
        writer.writeheader()
        writer.writerows(rows)
        (self.folder / "export.csv").write_text(text.getvalue(), "utf-8")
        (self.folder / "keys.txt").write_text(f"# newest first\n{NEW_KEY}\n{OLD_KEY}\n", "utf-8")
        files = [str(self.folder / "export.csv"), "--key-file", str(self.folder / "keys.txt")]
        environment = {
            "FRONTDESK_COMPANIES_TABLE": "companies",
            "FRONTDESK_CREDENTIALS_TABLE": "credentials",
            "FRONTDESK_KMS_KEY_ARN": self.world.key_arn,
        }
        flags = ["--json"] if json_wanted else []
        return CliRunner().invoke(
            main, [*flags, "credentials", "import-fernet", *files, *words], env=environment
        )

    def fates(self, rows: list[dict[str, str]], *words: str) -> list[tuple[str, str]]:
        """What the command says of each row."""
        told = json.loads(self.run(rows, *words).stdout)
        return [(one["fate"], one["note"]) for one in told["rows"]]


@pytest.fixture
def desk(dynamodb: DynamoDBClient, kms: KMSClient, clock: FakeClock, tmp_path: Path) -> Desk:
    """A deployment with the companies sol and luna."""
    companies = CompanyStore(make_table(dynamodb, "companies"), SystemClock())
    for company_id in ("sol", "luna"):
        companies.put(company_id, Company.parse({"name": company_id, "zone": "UTC", "language": "es"}))
    return Desk(World(dynamodb, kms, clock), tmp_path)


def test_a_dry_run_shows_what_would_happen_and_changes_nothing(desk: Desk) -> None:
    """It is what one gets without asking for more; no secret is shown."""
    before = list(desk.world.table.scan())
    result = desk.run([row("sol", "google_calendar")], json_wanted=False)
    assert result.exit_code == 0, result.output
    assert ["2", "sol", "google", "import"] in [line.split() for line in result.stdout.splitlines()]
    assert "dry run" in result.stdout
    assert list(desk.world.table.scan()) == before
    assert "planted" not in result.output


def test_an_imported_connection_is_one_like_any_other(desk: Desk) -> None:
    """Tokens sealed by the vault, account and expiry kept, a wider grant than ours sufficient."""
    result = desk.run([row("sol", "google_calendar", OLD_KEY)], "--apply")
    assert result.exit_code == 0, result.output
    stored = desk.connections.get("sol", "google")
    assert stored is not None
    assert (stored.status, stored.account_id, stored.account_email) == (
        "connected",
        "123",
        "owner@example.com",
    )
    token = desk.connections.token_to_revoke("sol", "google")
    assert token is not None
    assert token.reveal() == "planted-refresh-sol"
    item = desk.world.row("sol", "connection#google")
    access = desk.world.vault.open("sol", "google", "access_token", item["access_token"])
    assert access.reveal() == "planted-access-sol"
    assert stored.access_expires_at is not None
    assert abs(stored.access_expires_at - IN_AN_HOUR) < timedelta(seconds=5)
    assert "planted" not in result.output + repr(list(desk.world.table.scan()))


def test_doing_it_again_changes_nothing_and_a_newer_connection_stays(desk: Desk) -> None:
    """Idempotent: what stands here is never overwritten."""
    rows = [row("sol", "google"), row("luna", "calendly", metadata='{"user_uri": "https://c/users/1"}')]
    assert [fate for fate, _ in desk.fates(rows, "--apply")] == ["imported", "imported"]
    before = sorted(map(repr, desk.world.table.scan()))
    newer = [row("sol", "google", expires_at=(IN_AN_HOUR + timedelta(hours=9)).isoformat()), rows[1]]
    assert desk.fates(newer, "--apply") == [("kept", "a connection stands here already")] * 2
    assert sorted(map(repr, desk.world.table.scan())) == before


def test_a_row_that_does_not_decrypt_is_told_and_stops_no_other(desk: Desk) -> None:
    """And the command ends with one, so that nobody overlooks it."""
    rows = [row("sol", "google", Fernet.generate_key().decode()), row("luna", "google")]
    assert desk.fates(rows, "--apply") == [
        ("failed", "access_token does not decrypt with these keys"),
        ("imported", ""),
    ]
    assert desk.run(rows).exit_code == 1
    assert desk.connections.get("sol", "google") is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"is_active": "f"}, ("skipped", "not active")),
        ({"is_active": "False"}, ("skipped", "not active")),
        ({"is_active": "maybe"}, ("failed", "is_active is neither true nor false")),
        ({"provider": "outlook"}, ("skipped", "no provider that is known here")),
        ({"company_id": "7"}, ("skipped", "no such company here: name it with --map")),
        ({"refresh_token": "\\N"}, ("skipped", "no refresh token: the company must connect anew")),
        ({"expires_at": "tomorrow"}, ("failed", "expires_at is no time")),
        ({"expires_at": "2026-11-23 10:00:00.5"}, ("import", "expires_at has no zone: taken as UTC")),
        ({"expires_at": "2026-11-23 10:00:00+00"}, ("import", "")),
        ({"expires_at": ""}, ("import", "no expiry: renewed at the first use")),
        ({"metadata": "{broken"}, ("failed", "metadata is no JSON")),
        ({"scopes": "[broken"}, ("failed", "scopes are no JSON list")),
    ],
)
def test_each_row_gets_its_verdict(desk: Desk, changes: dict[str, str], told: tuple[str, str]) -> None:
    """In words that say what to do."""
    assert desk.fates([row("sol", "google") | changes]) == [told]


@pytest.mark.parametrize(
    "scopes",
    [
        json.dumps([CALENDAR, "email"]),
        f"{CALENDAR} email",
        f"{{{CALENDAR},email}}",
        f'{{"{CALENDAR}","email"}}',
        json.dumps(f"{CALENDAR} email"),
    ],
)
def test_scopes_are_read_in_every_shape(desk: Desk, scopes: str) -> None:
    """JSON, words, PostgreSQL's arrays."""
    desk.run([row("sol", "google", scopes=scopes)], "--apply")
    stored = desk.connections.get("sol", "google")
    assert stored is not None
    assert stored.scopes == ("email", CALENDAR)


def test_too_narrow_a_grant_is_imported_and_told(desk: Desk) -> None:
    """It is refused with words where it is used."""
    assert desk.fates([row("sol", "google", scopes="email")], "--apply") == [
        ("imported", "scopes are missing: the company must connect again")
    ]


def test_ids_are_mapped_by_option_and_by_file(desk: Desk) -> None:
    """With an equals sign or a comma."""
    file = desk.folder / "map.csv"
    file.write_text("8,luna\n\n", "utf-8")
    rows = [row("7", "google"), row("8", "google")]
    assert [fate for fate, _ in desk.fates(rows, "--map", "7=sol", "--map-file", str(file))] == ["import"] * 2
    assert desk.run(rows, "--map", "7:sol").exit_code == 2


def test_of_several_rows_for_one_company_the_newest_is_taken(desk: Desk) -> None:
    """The older table has one row for each spelling of a provider."""
    later = (IN_AN_HOUR + timedelta(hours=1)).isoformat()
    rows = [row("sol", "google"), row("7", "google_calendar", expires_at=later)]
    assert desk.fates(rows, "--map", "7=sol") == [("skipped", "line 3 is newer"), ("import", "")]


def test_tokens_in_a_bytea_column_are_read(desk: Desk) -> None:
    """PostgreSQL writes them as hexadecimal digits."""
    plain = row("sol", "google")
    coded: dict[str, Any] = {
        name: "\\x" + plain[name].encode().hex() for name in ("access_token", "refresh_token")
    }
    assert desk.fates([plain | coded]) == [("import", "")]


def test_a_wrong_file_or_key_is_told_without_showing_it(desk: Desk) -> None:
    """The number of the key, the name of the column."""
    with pytest.raises(InvalidInput, match="key 2 of") as refused:
        fernet_keys(f"{NEW_KEY},not-a-key")
    assert "not-a-key" not in str(refused.value)
    with pytest.raises(InvalidInput, match="no key"):
        fernet_keys("\n")
    (desk.folder / "other.csv").write_text("a,b\n1,2\n", "utf-8")
    desk.run([])
    files = [str(desk.folder / "other.csv"), "--key-file", str(desk.folder / "keys.txt")]
    result = CliRunner().invoke(main, ["credentials", "import-fernet", *files])
    assert (result.exit_code, "no column company_id" in result.stderr) == (1, True)
