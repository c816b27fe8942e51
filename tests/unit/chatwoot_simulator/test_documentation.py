"""The reference page names every call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local.chatwoot_simulator.api import CALLS
from local.chatwoot_simulator.control import MACHINE_CALLS, ROLES_CALLS
from local.chatwoot_simulator.faults import Fault

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "chatwoot-simulator.md"
LETTERS = {"account_id": "a", "number": "n", "message_id": "m"}
EVERY_CALL = [(method, path) for method, path, _name in CALLS] + [
    (method, f"/simulator{path}") for method, path, _name in (*ROLES_CALLS, *MACHINE_CALLS)
]


@pytest.mark.parametrize(("method", "path"), EVERY_CALL)
def test_every_call_stands_in_the_reference(method: str, path: str) -> None:
    """With its method in the same table cell."""
    shown = path.replace("conversations/<int:number>", "conversations/{c}")
    shown = re.sub(r"<int:(\w+)>", lambda found: "{" + LETTERS[found[1]] + "}", shown)
    cells = [line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    written = [one for one in cells if re.search(re.escape(shown) + r"[`?]", one)]
    assert any(method in one for one in written), f"{method} {shown} is not in {PAGE.name}"


def test_every_field_of_a_fault_stands_in_the_reference() -> None:
    """A fault nobody finds is not used."""
    page = PAGE.read_text("utf-8")
    missing = [name for name in Fault.__dataclass_fields__ if f"| `{name}` |" not in page]
    assert missing == []
