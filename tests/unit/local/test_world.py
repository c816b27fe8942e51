from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from local.failure import Failure
from local.world import World

if TYPE_CHECKING:
    from pathlib import Path

WORLD = World(
    api_url="http://127.0.0.1:8480",
    desk_url="http://127.0.0.1:8482/desk",
    aws_endpoint_url="http://127.0.0.1:8481",
    region="eu-west-1",
    stack="frontdesk-local",
    chatwoot_base_url="http://127.0.0.1:8482",
    model_base_url="http://127.0.0.1:8483/v1",
    model_is_simulated=True,
    google_base_url="http://127.0.0.1:8484",
    calendly_base_url="http://127.0.0.1:8485",
    logs="logs",
    outputs={"ApiId": "abc"},
    company_id="clinica-sol",
    company_api_key="fd_clinica-sol.secret",
    operator_api_key="fd_operator.secret",
)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """env.json holds everything that others need to talk to the running world."""
    WORLD.save(tmp_path)

    assert World.load(tmp_path) == WORLD


def test_env_json_has_the_documented_names(tmp_path: Path) -> None:
    """Scripts read these names; renaming one breaks them."""
    written = json.loads(WORLD.save(tmp_path).read_text())

    assert {
        "api_url", "desk_url", "aws_endpoint_url", "stack", "company_id", "operator_api_key",
        "company_api_key", "chatwoot_base_url", "google_base_url", "calendly_base_url",
        "microsoft_base_url",
    } <= set(written)  # fmt: skip


def test_only_the_owner_reads_env_json_even_when_it_is_written_again(tmp_path: Path) -> None:
    """It holds keys; an older file with looser rights must not lend them to it."""
    (tmp_path / "env.json").write_text("{}")
    (tmp_path / "env.json").chmod(0o644)

    file = WORLD.save(tmp_path)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_env_json_the_sentence_says_how_to_start(tmp_path: Path) -> None:
    """Asking for a world that does not run is answered with the command that starts it."""
    with pytest.raises(Failure, match="make run"):
        World.load(tmp_path)


def test_keys_do_not_show_in_the_representation() -> None:
    """A world printed by a failing test or a debugger gives no key away."""
    assert "secret" not in repr(WORLD)
