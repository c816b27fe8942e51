"""``frontdesk``: what an operator types."""

from __future__ import annotations

import sys

import click

from cli.api_key import api_key
from cli.bootstrap import bootstrap
from cli.calendar import calendar
from cli.chatwoot import chatwoot
from cli.company import company
from cli.contact import contact
from cli.context import Options
from cli.conversations import conversations
from cli.credentials import credentials
from cli.dead_letters import dead_letters
from cli.email import email
from cli.health import health
from cli.integration import integration
from cli.secret import secret


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--api-url", envvar="FRONTDESK_API_URL", help="Where the API stands. [FRONTDESK_API_URL]")
@click.option(
    "--api-key",
    envvar="FRONTDESK_API_KEY",
    help="Your API key; other users of this machine can see arguments. [FRONTDESK_API_KEY]",
)
@click.option("--api-key-stdin", is_flag=True, help="Read the API key from standard input's first line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def main(
    context: click.Context, api_url: str | None, api_key: str | None, *, api_key_stdin: bool, as_json: bool
) -> None:
    """Run Frontdesk: companies, keys, connections, secrets.

    Example: frontdesk --api-url https://desk.example.com company list

    Exit codes: 0 done, 1 refused, 2 typed wrongly, 3 nobody answered.
    """
    if api_key_stdin:
        # Now, before a command reads what follows; as bytes, because a text stream would read ahead.
        api_key = sys.stdin.buffer.readline().decode(errors="replace").strip()
    context.obj = Options(api_url, api_key, as_json)


for command in (
    bootstrap,
    secret,
    company,
    api_key,
    chatwoot,
    integration,
    credentials,
    conversations,
    dead_letters,
    contact,
    calendar,
    email,
    health,
):
    main.add_command(command)

if __name__ == "__main__":
    main()
