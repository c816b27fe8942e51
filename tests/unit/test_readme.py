"""The README's first screen does what it says."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "docs/how-to/run-locally.md").read_text("utf-8")


def test_the_signed_delivery_by_hand_is_the_one_that_the_end_to_end_tests_run() -> None:
    """`tests/e2e/test_local_world.py` runs the guide's block word for word."""
    (block,) = [found for found in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) if "X-Chatwoot" in found]
    assert block in README


def test_every_make_command_exists() -> None:
    """What the README tells a newcomer to type."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    told = set(re.findall(r"make ([a-z-]+)", README))
    assert {"run", "test"} <= told
    assert {name for name in told if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_every_link_leads_somewhere() -> None:
    """Files and folders of the project."""
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []
