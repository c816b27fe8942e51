from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.options import parse
from local.world import DEFAULT_STATE

if TYPE_CHECKING:
    from pathlib import Path


def test_up_needs_no_option() -> None:
    """`make run` passes none: default port, default folder, with the sample, in the foreground."""
    given = parse(["up"], {})

    assert (given.command, given.port, given.state) == ("up", 8480, DEFAULT_STATE)
    assert given.sample
    assert not given.detach
    assert given.openai_api_key == ""


def test_every_option_of_up_arrives(tmp_path: Path) -> None:
    """What is given on the command line is what the run gets."""
    words = f"up --detach --no-sample --port 9000 --state-dir {tmp_path} --openai-api-key k --openai-model m"

    given = parse(
        [*words.split(), "--openai-base-url", "http://127.0.0.1:11434/v1/"],
        {"OPENAI_API_KEY": "from the shell"},
    )

    assert (given.detach, given.sample, given.port, given.state) == (True, False, 9000, tmp_path)
    assert given.openai_base_url == "http://127.0.0.1:11434/v1"
    assert (given.openai_api_key, given.openai_model) == ("k", "m")


def test_the_key_is_taken_from_the_shell() -> None:
    """OPENAI_API_KEY alone switches to the real model."""
    assert parse(["up"], {"OPENAI_API_KEY": "sk-1"}).openai_api_key == "sk-1"


def test_help_never_prints_the_key(capsys: pytest.CaptureFixture[str]) -> None:
    """The key in the environment is a default, and defaults are what help texts like to show."""
    with pytest.raises(SystemExit):
        parse(["up", "--help"], {"OPENAI_API_KEY": "sk-planted"})

    assert "sk-planted" not in capsys.readouterr().out


@pytest.mark.parametrize("port", ["80", "65527", "-1", "http", "80 80"])
def test_a_port_that_cannot_be_is_refused_with_the_range(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """All neighbouring ports must fit above the privileged ones."""
    with pytest.raises(SystemExit) as refused:
        parse(["up", f"--port={port}"], {})

    assert refused.value.code == 2
    assert "1024 to 65526" in capsys.readouterr().err


def test_a_base_url_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A forgotten scheme is said at once, not by a function minutes later."""
    with pytest.raises(SystemExit):
        parse(["up", "--openai-base-url", "127.0.0.1:11434"], {})

    assert "is no address" in capsys.readouterr().err


def test_logs_takes_a_function() -> None:
    """`python -m local logs chatwoot_webhook` narrows to one."""
    assert parse(["logs", "chatwoot_webhook"], {}).function == "chatwoot_webhook"
    assert parse(["logs"], {}).function == ""
