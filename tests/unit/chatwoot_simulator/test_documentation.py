"""The reference page names every call."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from local.chatwoot_simulator.app import create_app
from local.faults import Fault

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "chatwoot-simulator.md"
LETTERS = {
    "<int:account_id>": "{a}",
    "<int:conversation_id>": "{c}",
    "<int:number>": "{n}",
    "<signed_id>/<path:name>": "{id}/{name}",
    "<key>/<path:name>": "{key}/{name}",
    "<any(inboxes, bots):kind>/{n}": "{inboxes,bots}/{n}",
    "<any(inboxes, agent_bots, webhooks):kind>": "{inboxes,agent_bots,webhooks}",
}


def every_call() -> list[tuple[str, str]]:
    """Method and path, as the page writes them."""
    app = create_app()
    app.extensions["chatwoot"].close()
    found = []
    for rule in app.url_map.iter_rules():
        shown = rule.rule
        for spelled, letter in LETTERS.items():
            shown = shown.replace(spelled, letter)
        if not shown.startswith(("/desk", "/simulator/api/")):
            found += [(method, shown) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


@pytest.mark.parametrize(("method", "path"), every_call())
def test_every_call_stands_in_the_reference(method: str, path: str) -> None:
    """With its method in the same table cell."""
    shown = re.escape(path.removeprefix("/api/v1"))
    cells = [line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    written = [one for one in cells if re.search(rf" {shown}[`?]", one)]
    assert any(method in one for one in written), f"{method} {path} is not in {PAGE.name}"


def test_every_field_of_a_fault_stands_in_the_reference() -> None:
    """A fault nobody finds is not used."""
    page = PAGE.read_text("utf-8")
    missing = [field.name for field in fields(Fault) if f"| `{field.name}` |" not in page]
    assert missing == []
