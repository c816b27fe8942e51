"""API keys."""

from __future__ import annotations

from typing import Any

import click

from cli.client import path_of
from cli.context import Options, options_of, table

SCOPES = ("read", "read:text", "act", "admin")


@click.group(name="api-key")
def api_key() -> None:
    """API keys of a company, or of the operator under the name "operator"."""


@api_key.command(name="create")
@click.argument("owner")
@click.option("--name", required=True, help="What the key is called in lists.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="May be repeated."
)
@click.option(
    "--per-minute", type=int, help="How often it may ask; only the operator may give more than 120."
)
@click.option("--days", type=int, help="After so many days it ends by itself.")
@options_of
def create_key(
    options: Options,
    owner: str,
    name: str,
    scopes: tuple[str, ...],
    per_minute: int | None,
    days: int | None,
) -> None:
    """Make a key for OWNER and print it once.

    Example: frontdesk api-key create clinica-sol --name dashboard --scope read --scope act
    """
    wish: dict[str, Any] = {"name": name, "scopes": list(scopes)}
    if per_minute is not None:
        wish["requests_per_minute"] = per_minute
    if days is not None:
        wish["lives_days"] = days
    answer = options.client().call("POST", path_of("companies", owner, "api-keys"), wish)
    options.show(answer, [answer["api_key"]])
    if not options.as_json:
        click.echo(f"Keep this key now: it is shown this once. Its id is {answer['key_id']}.", err=True)


@api_key.command(name="list")
@click.argument("owner")
@options_of
def list_keys(options: Options, owner: str) -> None:
    """List the keys of OWNER, without their texts.

    Example: frontdesk api-key list clinica-sol
    """
    answer = options.client().call("GET", path_of("companies", owner, "api-keys"))
    rows = [{**key, "scopes": ",".join(key["scopes"])} for key in answer["api_keys"]]
    options.show(answer, table(rows, "key_id", "name", "scopes", "last_used", "expires_at"))


@api_key.command(name="revoke")
@click.argument("owner")
@click.argument("key_id")
@options_of
def revoke_key(options: Options, owner: str, key_id: str) -> None:
    """End the key KEY_ID of OWNER at once and for good.

    Example: frontdesk api-key revoke clinica-sol 0f1e2d3c4b5a
    """
    options.client().call("DELETE", path_of("companies", owner, "api-keys", key_id))
    options.show({"status": "revoked", "key_id": key_id}, [f"Revoked {key_id}."])
