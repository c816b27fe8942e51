"""The SAM CLI on the synthesized template: ``python -m infra.sam FUNCTION`` runs a function in its container.

SAM pins its dependencies, so it lives in an environment of its own, made the first time it is needed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra import names
from infra.bundling import ROOT, bundler_for
from infra.dependencies import BundlingError, uv
from infra.imports import ModuleMissing
from infra.stages import STAGES, ContextError, read_settings

ENVIRONMENT = ROOT / ".cache" / "sam-venv"
REQUIREMENTS = ROOT / "requirements" / "sam.txt"


class SamError(Exception):
    """SAM could not be installed or refused. The message says what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Invoke a function, or check the template.

    Returns:
        The process's exit status.
    """
    parser = _parser()
    options, passed_on = parser.parse_known_args(arguments)
    if options.function is None and not options.check:
        parser.error(f"name a function: {', '.join(names.FUNCTIONS)}")
    try:
        if not options.check:
            _require_docker()
        template = synthesize_for_sam(options.stage, ROOT / ".cache" / "sam" / options.stage)
        if options.check:
            validate(template)
            sys.stdout.write(json.dumps(resolve(template), indent=2) + "\n")
            return 0
        return invoke(template, options.stage, options.function, options.event, passed_on)
    except (SamError, BundlingError, ModuleMissing, ContextError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def synthesize_for_sam(stage: str, folder: Path) -> Path:
    """Synthesize a stage, with its real bundles, into a folder.

    Returns:
        The template.
    """
    # Importing the CDK takes seconds: only once it is needed.
    from infra.synthesis import new_app, synthesize  # noqa: PLC0415 - as said above

    app = new_app(str(folder), stage=stage)
    settings = read_settings(app.node.try_get_context)
    synthesize(app, settings, bundler_for(settings))
    return folder / f"{names.stack(stage)}.template.json"


def invoke(template: Path, stage: str, function: str, event: str, passed_on: list[str]) -> int:
    """Run a function in Lambda's container image, which needs Docker.

    Args:
        template: the synthesized template.
        stage: the stage it is of.
        function: a name from `names.FUNCTIONS`.
        event: a file with the event, ``-`` for standard input, empty for one that SAM generates.
        passed_on: further options of ``sam local invoke``, such as ``--env-vars FILE``.

    Returns:
        SAM's exit status.
    """
    command = [_sam(), "local", "invoke", names.function(stage, function), "--template", str(template)]
    command += ["--event", event or str(_sample_event(template.parent, function)), *passed_on]
    return subprocess.run(command, env=_surroundings(), check=False).returncode  # noqa: S603 - our own words


def validate(template: Path) -> None:
    """Have SAM validate a template, linting included. Needs neither an account nor Docker.

    Raises:
        SamError: it is not valid; the message is SAM's.
    """
    _run([_sam(), "validate", "--lint", "--template", str(template)])


def resolve(template: Path) -> dict[str, list[dict[str, Any]]]:
    """What SAM's providers find: ``functions`` and ``routes``.

    Raises:
        SamError: they cannot read the template.
    """
    script = Path(__file__).with_name("sam_providers.py")
    found: dict[str, list[dict[str, Any]]] = json.loads(
        _run([str(ensure_environment() / "python"), str(script), str(template)])
    )
    return found


def generate_event(*words: str) -> dict[str, Any]:
    """An event made by ``sam local generate-event``.

    Args:
        words: service, event and options, such as ``("sqs", "receive-message", "--body", "{}")``.

    Raises:
        SamError: SAM does not know such an event.
    """
    event: dict[str, Any] = json.loads(_run([_sam(), "local", "generate-event", *words]))
    return event


def ensure_environment() -> Path:
    """Make the environment of the SAM CLI if it is not there, or was made from other requirements.

    Returns:
        Its folder of executables.

    Raises:
        SamError: it could not be installed.
    """
    stamp = ENVIRONMENT / "made-from"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    with ENVIRONMENT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not stamp.exists() or stamp.read_text() != wanted:
            _install()
            stamp.write_text(wanted)
    return ENVIRONMENT / "bin"


def _install() -> None:
    sys.stderr.write("Installing the SAM CLI into an environment of its own (once).\n")
    _run([uv(), "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)])
    command = [uv(), "pip", "install", "--quiet", "--python", str(ENVIRONMENT / "bin" / "python")]
    _run([*command, "--require-hashes", "-r", str(REQUIREMENTS)])


FED_BY_QUEUES = {
    names.CONVERSATION_TURNS,
    names.DEAD_LETTERS,
    names.TOKEN_REFRESH,
    names.CALENDAR_SYNC,
    names.EMAIL_DELIVERY,
    names.APPOINTMENT_REMINDERS,
}


def sample_event(function: str) -> dict[str, Any]:
    """What SAM generates for the kind of source that feeds a function.

    Args:
        function: a name from `names.FUNCTIONS`.
    """
    if function in FED_BY_QUEUES:
        return generate_event("sqs", "receive-message", "--body", "{}")
    path = "api/webhook/chatwoot" if function == names.CHATWOOT_WEBHOOK else "api/health"
    method = "POST" if function == names.CHATWOOT_WEBHOOK else "GET"
    return generate_event("apigateway", "http-api-proxy", "--path", path, "--method", method, "--body", "{}")


def _sample_event(folder: Path, function: str) -> Path:
    file = folder / f"{function}.event.json"
    file.write_text(json.dumps(sample_event(function), indent=2))
    return file


def _require_docker() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:  # noqa: S603
        raise SamError("`sam local invoke` needs Docker, and `docker info` gets no answer: start Docker.")


def _sam() -> str:
    return str(ensure_environment() / "sam")


def _surroundings() -> dict[str, str]:
    # Only a default region: SAM asks for one even where it calls nothing.
    return {"AWS_DEFAULT_REGION": "eu-west-1", **os.environ, "SAM_CLI_TELEMETRY": "0"}


def _run(command: list[str]) -> str:
    answer = subprocess.run(  # noqa: S603 - our own words
        command, capture_output=True, text=True, check=False, env=_surroundings()
    )
    if answer.returncode != 0:
        raise SamError(f"{Path(command[0]).name} said:\n{(answer.stdout + answer.stderr).strip()[-4000:]}")
    return answer.stdout


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.sam",
        description="Run a function from the synthesized template with the SAM CLI (needs Docker). "
        "Options that are not listed here go to `sam local invoke`.",
    )
    parser.add_argument("function", nargs="?", choices=names.FUNCTIONS, help="which one")
    parser.add_argument("--event", default="", help="file with the event, - for standard input")
    parser.add_argument("--stage", choices=[s.name for s in STAGES.values() if s.on_aws], default="dev")
    parser.add_argument("--check", action="store_true", help="validate and resolve instead; needs no Docker")
    return parser


if __name__ == "__main__":
    sys.exit(main())
