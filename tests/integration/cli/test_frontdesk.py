"""The operator's command, against the API on a real socket and AWS in moto."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import click
import pytest
from click.testing import CliRunner, Result

from cli.bootstrap import create_operator_key
from cli.main import main
from shared.conversations.reader import Reader
from shared.platform.secret import Secret
from shared.platform.secrets import DeploymentSecrets
from tests.fakes.table import MemoryTable
from tests.support.api import DOCUMENT, Api
from tests.support.api_server import ApiServer
from tests.support.desk import UntoldWorld, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.support.chatwoot import ChatwootHandle


class Desk:
    """An operator at a terminal.

    Args:
        api: the API behind the server.
        url: where it stands.
    """

    def __init__(self, api: Api, url: str) -> None:
        self.api = api
        self.url = url
        self.environment = {"FRONTDESK_API_URL": url, "FRONTDESK_API_KEY": api.operator}

    def run(self, *words: str, typed: str = "", **environment: str | None) -> Result:
        """Type a command."""
        return CliRunner().invoke(main, words, input=typed, env={**self.environment, **environment})

    def json(self, *words: str, typed: str = "") -> Any:  # noqa: ANN401 - any JSON
        """Type a command and read its JSON."""
        result = self.run("--json", *words, typed=typed)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def desk(dynamodb: DynamoDBClient, kms: KMSClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A terminal, with an API that runs."""
    monkeypatch.delenv("FRONTDESK_STAGE", raising=False)
    api = Api(dynamodb, kms)
    with ApiServer(api) as server:
        yield Desk(api, server.url)


def test_a_template_is_shown_as_it_will_look(desk: Desk) -> None:
    """As text with its subject, or as HTML for a browser; a name that is none is refused in words."""
    desk.api.company("clinica-sol")
    shown = desk.run("email", "preview", "clinica-sol", "appointment_confirmed", "--language", "pt")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("Subject: ")
    assert "<p" not in shown.stdout
    html = desk.run("email", "preview", "clinica-sol", "appointment_confirmed", "--html")
    assert html.stdout.lstrip().startswith("<!")
    refused = desk.run("email", "preview", "clinica-sol", "no_such")
    assert (refused.exit_code, "template" in refused.stderr) == (1, True)


def test_a_document_goes_in_from_a_file_and_comes_out_as_it_was(desk: Desk, tmp_path: Path) -> None:
    """What ``show`` prints can be ``put`` again, under another id, from a pipe."""
    file = tmp_path / "sol.json"
    file.write_text(json.dumps({**DOCUMENT, "staff_email": "a@b.es"}), "utf-8")
    assert "version 1" in desk.run("company", "put", "sol", str(file)).output
    shown = desk.run("company", "show", "sol")
    assert json.loads(shown.stdout) == {**DOCUMENT, "staff_email": "a@b.es"}
    assert "Clínica" in shown.stdout
    assert desk.json("company", "put", "luna", "-", typed=shown.stdout)["version"] == 1
    assert [one["company_id"] for one in desk.json("company", "list")["companies"]] == ["luna", "sol"]
    assert "Clínica Sol" in desk.run("company", "list").output


def test_a_refusal_names_the_fields_and_ends_with_one(desk: Desk) -> None:
    """On standard error, so that pipes stay clean."""
    result = desk.run("company", "put", "sol", "-", typed='{"name": "x", "zone": "Mars", "language": "es"}')
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "zone: must be a time zone" in result.stderr


def test_a_version_may_be_demanded(desk: Desk) -> None:
    """So may its absence."""
    document = json.dumps(DOCUMENT)
    assert desk.run("company", "put", "sol", "-", "--new", typed=document).exit_code == 0
    assert desk.run("company", "put", "sol", "-", "--new", typed=document).exit_code == 1
    assert desk.run("company", "put", "sol", "-", "--if-version", "1", typed=document).exit_code == 0
    assert (
        "version is 2, not 1"
        in desk.run("company", "put", "sol", "-", "--if-version", "1", typed=document).stderr
    )


def test_lists_are_read_to_their_end(desk: Desk) -> None:
    """Longer than a page."""
    for number in range(52):
        desk.api.companies.put(f"c{number:02}", desk.api.companies.get(desk_company(desk)))
    assert len(desk.json("company", "list")["companies"]) == 53


def desk_company(desk: Desk) -> str:
    """A company that exists."""
    if not desk.api.companies.list(1)[0]:
        desk.api.company("a")
    return "a"


def test_deleting_asks_first(desk: Desk) -> None:
    """No is no."""
    desk.api.company("sol")
    assert desk.run("company", "delete", "sol", typed="n\n").exit_code == 1
    assert desk.run("company", "show", "sol").exit_code == 0
    assert desk.run("company", "delete", "sol", "--yes").exit_code == 0
    assert "no such company" in desk.run("company", "show", "sol").stderr


def test_a_key_is_printed_once_and_alone(desk: Desk) -> None:
    """So that it can be piped into a file."""
    desk.api.company("sol")
    made = desk.run("api-key", "create", "sol", "--name", "web", "--scope", "read", "--scope", "act")
    text = made.stdout.strip()
    assert desk.run("company", "show", "sol", FRONTDESK_API_KEY=text).exit_code == 0
    listed = desk.run("api-key", "list", "sol")
    assert "act,read" in listed.stdout
    assert text.rsplit(".", 1)[1] not in listed.stdout
    assert desk.run("api-key", "revoke", "sol", text.split(".")[1]).exit_code == 0
    refused = desk.run("company", "show", "sol", FRONTDESK_API_KEY=text)
    assert (refused.exit_code, "could not be authenticated" in refused.stderr) == (1, True)
    actions = [one["action"] for one in desk.json("company", "audit", "sol")["records"]]
    assert sorted(actions) == ["api_key.create", "api_key.revoke", "company.put"]


def test_the_api_key_may_come_from_standard_input(desk: Desk) -> None:
    """First line; the command's own input follows."""
    typed = f"{desk.api.operator}\n{json.dumps(DOCUMENT)}"
    result = desk.run("--api-key-stdin", "company", "put", "sol", "-", typed=typed, FRONTDESK_API_KEY=None)
    assert result.exit_code == 0, result.output
    command = [sys.executable, "-m", "cli.main", "--api-key-stdin", "company", "put", "luna", "-"]
    surroundings = {"PATH": "", "FRONTDESK_API_URL": desk.url, "PYTHONPATH": os.pathsep.join(sys.path)}
    real = subprocess.run(  # noqa: S603 - our own words
        command, input=typed, env=surroundings, capture_output=True, text=True, check=False, timeout=60
    )
    assert (real.returncode, real.stdout) == (0, "luna is at version 1.\n"), real.stderr


def test_what_is_missing_is_said(desk: Desk) -> None:
    """Where to call, with which key; nothing is asked of a pipe."""
    assert "FRONTDESK_API_URL" in desk.run("company", "list", FRONTDESK_API_URL=None).stderr
    missing = desk.run("company", "list", FRONTDESK_API_KEY=None)
    assert (missing.exit_code, "FRONTDESK_API_KEY" in missing.stderr) == (2, True)


@pytest.mark.parametrize(
    ("url", "exit_code", "words"),
    [
        ("http://127.0.0.1:9", 3, "does not answer"),
        ("http://desk.example.com", 2, "https://"),
        ("ftp://desk.example.com", 2, "https://"),
    ],
)
def test_an_address_that_is_wrong_or_silent_is_told_apart(
    desk: Desk, url: str, exit_code: int, words: str
) -> None:
    """A key never goes over an open wire."""
    result = desk.run("company", "list", FRONTDESK_API_URL=url)
    assert result.exit_code == exit_code
    assert words in result.stderr
    assert desk.api.operator not in result.output


def test_something_else_at_the_address_is_told(desk: Desk, chatwoot: ChatwootHandle) -> None:
    """A server that is not Frontdesk's answers without our words."""
    result = desk.run("company", "list", FRONTDESK_API_URL=chatwoot.base_url + "/desk")
    assert result.exit_code == 1
    assert "Is the address right?" in result.stderr


def test_connecting_takes_tokens_from_the_environment_or_a_file_and_never_shows_them(
    desk: Desk, chatwoot: ChatwootHandle, tmp_path: Path
) -> None:
    """There is no option for a token: arguments are seen by every user of the machine."""
    desk.api.company("sol")
    place = ("sol", "--base-url", chatwoot.base_url, "--account-id", str(chatwoot.account_id))
    tokens = {
        "FRONTDESK_CHATWOOT_API_KEY": chatwoot.administrator_token,
        "FRONTDESK_CHATWOOT_BOT_TOKEN": chatwoot.bot_token,
    }
    result = desk.run("chatwoot", "connect", *place, "--register-webhook", **tokens)
    assert result.exit_code == 0, result.output
    assert "/api/webhook/chatwoot/sol" in result.stdout
    assert "connected: yes" in desk.run("chatwoot", "status", "sol").stdout
    assert desk.run("chatwoot", "disconnect", "sol").exit_code == 0
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps({"api_key": chatwoot.administrator_token, "webhook_secret": "s"}), "utf-8")
    again = desk.run("chatwoot", "connect", *place, "--secrets-from", str(file))
    assert again.exit_code == 0, again.output
    for token in (chatwoot.administrator_token, chatwoot.bot_token):
        assert token not in result.output + again.output
    file.write_text('{"token": "x"}', "utf-8")
    assert desk.run("chatwoot", "connect", *place, "--secrets-from", str(file)).exit_code == 2
    missing = desk.run("chatwoot", "connect", *place)
    assert (missing.exit_code, "FRONTDESK_CHATWOOT_API_KEY" in missing.stderr) == (2, True)


def test_a_try_shows_what_the_desk_would_say(desk: Desk) -> None:
    """Parts, then how it would end."""
    desk.api.company("sol", disclosure={"enabled": False})
    assert desk.run("company", "try", "sol", "¿Precio?").stdout == "Re: ¿Precio?\n(answered)\n"


@pytest.fixture
def given_up(dynamodb: DynamoDBClient, kms: KMSClient) -> Iterator[tuple[Desk, World]]:
    """A terminal, and a company with one dead letter that nobody could be told of."""
    world = UntoldWorld(MemoryTable("conversations"))
    world.dead_letters.send(world.message("¿Cuánto cuesta?", 70_011))
    world.office_until_done()
    api = Api(dynamodb, kms, reader=Reader(world.table, world.clock), replayer=world.replayer)
    api.company("sol")
    with ApiServer(api) as server:
        yield Desk(api, server.url), world


def test_a_dead_letter_is_listed_shown_looked_at_and_replayed(given_up: tuple[Desk, World]) -> None:
    """From the alarm to the answer."""
    desk, world = given_up
    listed = desk.run("dead-letters", "list", "sol")
    assert listed.exit_code == 0, listed.output
    assert "crashed" in listed.stdout
    [line] = desk.json("dead-letters", "list", "sol")["dead_letters"]
    letter = line["letter_id"]
    shown = desk.run("dead-letters", "show", "sol", letter).stdout
    assert "message 70011: waiting: ¿Cuánto cuesta?" in shown
    look = desk.run("dead-letters", "replay", "sol", letter, "--dry-run").stdout
    assert "A replay would put back: 70011." in look
    assert len(world.queue) == 0
    assert "In the queue again: 70011." in desk.run("dead-letters", "replay", "sol", letter).stdout
    world.work_until_done()
    assert world.said() == ["Re: ¿Cuánto cuesta?"]
    assert "replayed before" in desk.run("dead-letters", "replay", "sol", letter).stdout
    assert "3-214" in desk.run("conversations", "list", "sol").stdout
    conversation = desk.run("conversations", "show", "sol", "3-214").stdout
    assert "part#000 SENT as message 90000" in conversation


def test_a_replay_that_is_refused_says_why_and_how_to_go_on(given_up: tuple[Desk, World]) -> None:
    """Exit code 1; the dry run names the gates."""
    desk, world = given_up
    world.clock.advance(1)
    world.person_writes("Ya estoy", 80_000)
    letter = desk.json("dead-letters", "list", "sol")["dead_letters"][0]["letter_id"]
    look = desk.run("dead-letters", "replay", "sol", letter, "--dry-run").stdout
    assert "gate person_in_charge: a person is in charge of the conversation" in look
    assert "--force would first end the pause" in look
    refused = desk.run("dead-letters", "replay", "sol", letter)
    assert (refused.exit_code, "With force" in refused.stderr) == (1, True)
    world.clock.advance(1)
    assert desk.run("dead-letters", "replay", "sol", letter, "--force").exit_code == 0


def test_the_first_key_is_made_in_the_table_and_works(desk: Desk, dynamodb: DynamoDBClient) -> None:
    """And stands in the operator's trail."""
    result = desk.run("bootstrap", "--companies-table", "companies", FRONTDESK_API_KEY=None)
    assert result.exit_code == 0, result.output
    assert desk.run("company", "list", FRONTDESK_API_KEY=result.stdout.strip()).exit_code == 0
    text = create_operator_key(dynamodb, "companies", "local world")
    assert desk.run("company", "list", FRONTDESK_API_KEY=text).exit_code == 0
    records = desk.json("company", "audit", "operator")["records"]
    assert [(one["actor"], one["action"]) for one in records] == [("bootstrap", "api_key.create")] * 2


def test_bootstrap_says_what_it_misses(desk: Desk) -> None:
    """Which deployment; a table that is not there; a stack that is none."""
    assert desk.run("bootstrap").exit_code == 2
    absent = desk.run("bootstrap", "--stage", "dev")
    assert (absent.exit_code, "ResourceNotFoundException" in absent.stderr) == (1, True)
    assert desk.run("bootstrap", "--stack", "frontdesk-dev").exit_code == 1


def test_a_deployment_secret_is_stored_from_a_pipe_and_listed_without_its_value(desk: Desk) -> None:
    """Functions then read it by its name."""
    stored = desk.run("secret", "set", "openai_api_key", "--stage", "dev", typed="sk-planted\n")
    assert stored.exit_code == 0, stored.output
    client = boto3.client("ssm", region_name="eu-west-1")
    assert DeploymentSecrets(client, "dev").get("openai_api_key") == Secret("sk-planted")
    listed = desk.run("secret", "list", FRONTDESK_STAGE="dev")
    assert "openai_api_key" in listed.stdout
    assert "sk-planted" not in stored.output + listed.output
    assert desk.json("secret", "list", "--stage", "prod") == {"secrets": []}


@pytest.mark.parametrize(
    ("name", "typed"), [("openai_api_key", ""), ("../x", "v"), ("A", "v"), ("big", "x" * 5000)]
)
def test_a_secret_that_is_none_is_refused(desk: Desk, name: str, typed: str) -> None:
    """Empty, misnamed, too large."""
    assert desk.run("secret", "set", name, "--stage", "dev", typed=typed).exit_code == 2


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, with its full name."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join([*before, name]), command


@pytest.mark.parametrize(("name", "command"), list(commands(main)), ids=str)
def test_every_command_has_help_with_an_example(name: str, command: click.Command) -> None:
    """That begins with the command itself."""
    assert f"Example: frontdesk {name}" in " ".join((command.help or "").split())
    assert CliRunner().invoke(main, [*name.split(), "--help"]).exit_code == 0


def test_a_customers_data_goes_into_a_file_and_then_away(desk: Desk) -> None:
    """The export is JSON whatever was asked for; forgetting asks first."""
    desk.api.company("sol")
    world = World(desk.api.conversations_table)
    world.customer_writes("planted words", 70_011)
    world.work_until_done()
    told = json.loads(desk.run("contact", "export", "sol", "3-481").stdout)
    assert told["messages"][0]["message"]["text"] == "planted words"
    assert "next_cursor" not in told
    assert desk.run("contact", "forget", "sol", "3-481", typed="n\n").exit_code == 1
    shown = desk.run("contact", "forget", "sol", "3-481", "--yes")
    assert shown.exit_code == 0
    assert "removed        1  messages" in shown.stdout
    assert "Chatwoot's own copy" in shown.stdout
    assert desk.json("contact", "forget", "sol", "3-481", "--yes")["removed"] == []


def test_health_shows_what_is_broken_and_ends_with_one(desk: Desk) -> None:
    """A script needs the code only; 503 is an answer here."""
    desk.api.company("sol")
    shown = desk.run("health", "sol")
    assert shown.exit_code == 1
    assert shown.stdout.startswith("broken")
    assert "not connected with Chatwoot" in shown.stdout
    assert "there is no such company" in desk.run("health", "luna").stderr
