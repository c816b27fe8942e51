"""What every command shares: the options of ``frontdesk`` itself, and how results are shown."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from cli.client import ApiClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Options:
    """The global options.

    Args:
        api_url: where the API stands.
        api_key: the caller's key.
        as_json: print JSON instead of text.
    """

    api_url: str | None
    api_key: str | None = field(repr=False)
    as_json: bool

    def client(self) -> ApiClient:
        """A client for the API.

        Raises:
            click.UsageError: address or key are missing.
        """
        if not self.api_url:
            raise click.UsageError("Say where the API stands: --api-url or FRONTDESK_API_URL.")
        return ApiClient(self.api_url, self._key())

    def _key(self) -> str:
        return self.api_key or hidden("API key", "FRONTDESK_API_KEY or --api-key-stdin")

    def show(self, result: object, lines: Iterable[str]) -> None:
        """Print a result: JSON for programs, lines for people."""
        if self.as_json:
            click.echo(json.dumps(result, ensure_ascii=False, indent=2))
            return
        for line in lines:
            click.echo(line)


options_of = click.make_pass_decorator(Options)


def hidden(what: str, otherwise: str, *, optional: bool = False) -> str:
    """Ask for a secret without showing it.

    Args:
        what: the secret's name.
        otherwise: how to give it where nobody can be asked.
        optional: whether an empty answer will do.

    Raises:
        click.UsageError: nobody is at the keyboard.
    """
    if not sys.stdin.isatty():
        if optional:
            return ""
        raise click.UsageError(f"The {what} is missing: give it with {otherwise}.")
    default = "" if optional else None
    text: str = click.prompt(what, hide_input=True, default=default, show_default=False, err=True)
    return text.strip()


def table(rows: Iterable[Mapping[str, Any]], *columns: str) -> list[str]:
    """Rows as aligned lines with a head."""
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    head = [column.replace("_", " ") for column in columns]
    widths = [max(len(line[number]) for line in [head, *cells]) for number in range(len(columns))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *cells]
    ]
