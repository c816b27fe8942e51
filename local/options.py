"""The command line of ``python -m local``."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.ports import DEFAULT_PORT, HOW_MANY
from local.world import DEFAULT_STATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOWEST_PORT = 1024
_HIGHEST_FIRST_PORT = 65536 - HOW_MANY


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Args:
        command: ``up``, ``down``, ``status`` or ``logs``.
        state: the folder of this world: its logs, its processes, its ``env.json``.
        port: the first of its ports.
        detach: leave it running and return.
        sample: create the sample company and play its conversation.
        openai_base_url: an OpenAI-compatible server; empty: OpenAI itself, or the simulator.
        openai_api_key: its key; empty without a server: the simulator.
        openai_model: the model's name; empty: the default.
        function: whose logs; empty: all.
    """

    command: str
    state: Path
    port: int = DEFAULT_PORT
    detach: bool = False
    sample: bool = True
    openai_base_url: str = ""
    openai_api_key: str = ""
    openai_model: str = ""
    function: str = ""


def parse(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> Options:
    """Read the command line; wrong ones end the program with a sentence.

    Args:
        arguments: the words after ``python -m local``.
        environment: where ``OPENAI_API_KEY``, ``OPENAI_BASE_URL`` and ``OPENAI_MODEL`` are looked up.
    """
    given = _parser(environment).parse_args(arguments)
    values = {name: value for name, value in vars(given).items() if name != "no_sample"}
    return Options(**values, sample=not getattr(given, "no_sample", False))


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--state-dir",
        dest="state",
        type=_folder,
        default=DEFAULT_STATE,
        help="the folder of this world: two worlds run side by side with two folders and two ports",
    )
    parser = argparse.ArgumentParser(
        prog="python -m local", description="Frontdesk on this machine: a local AWS, simulators, no accounts."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_up(commands.add_parser("up", parents=[common], help="start it"), environment)
    commands.add_parser("down", parents=[common], help="stop it, also after a run that was killed")
    commands.add_parser("status", parents=[common], help="say what is running and where")
    logs = commands.add_parser("logs", parents=[common], help="print what the functions logged")
    logs.add_argument("function", nargs="?", default="", help="one function, such as chatwoot_webhook")
    return parser


def _add_up(up: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    up.add_argument("--detach", action="store_true", help="leave it running and return")
    up.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        help=f"the first of {HOW_MANY} neighbouring ports (default {DEFAULT_PORT})",
    )
    up.add_argument(
        "--no-sample", action="store_true", help="do not create the sample company, play no conversation"
    )
    up.add_argument(
        "--openai-base-url",
        type=_url,
        default=environment.get("OPENAI_BASE_URL", ""),
        help="an OpenAI-compatible server to use instead of the simulated model (default: OPENAI_BASE_URL)",
    )
    # Without argparse's "default: …" in the help: a key must not be printed.
    up.add_argument(
        "--openai-api-key",
        default=environment.get("OPENAI_API_KEY", ""),
        help="its key; other users see command lines, so prefer the variable OPENAI_API_KEY",
    )
    up.add_argument(
        "--openai-model",
        default=environment.get("OPENAI_MODEL", ""),
        help="the model (default: OPENAI_MODEL)",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not _LOWEST_PORT <= int(text) <= _HIGHEST_FIRST_PORT:
        message = f"{text!r} is no port: give a number from {_LOWEST_PORT} to {_HIGHEST_FIRST_PORT}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise argparse.ArgumentTypeError(f"{text!r} is no address: write http://127.0.0.1:11434/v1, say")
    return text.rstrip("/")


def _folder(text: str) -> Path:
    return Path(text).resolve()
