"""The simulators as processes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local import surroundings
from local.ports import url
from local.world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from local.ports import Ports
    from local.processes import Process, Processes


def start(processes: Processes, ports: Ports, state: Path) -> dict[int, Process]:
    """Start them.

    Returns:
        Each process by the port it will listen on.
    """
    simulators = {
        ports.chatwoot: ("Chatwoot simulator", "local.chatwoot_simulator", "chatwoot.log"),
        ports.model: ("model simulator", "local.model_simulator", "model.log"),
        ports.google: ("Google simulator", "local.google_simulator", "google.log"),
        ports.calendly: ("Calendly simulator", "local.calendly_simulator", "calendly.log"),
        ports.generic_calendar: (
            "simulator of a company's own calendar",
            "local.generic_calendar_simulator",
            "own-calendar.log",
        ),
        ports.mail: ("mail simulator", "local.mail_simulator", "mail.log"),
        ports.microsoft: ("Microsoft simulator", "local.microsoft_simulator", "microsoft.log"),
    }
    more = {ports.mail: ("--smtp-port", str(ports.smtp), "--aws-url", url(ports.aws))}
    return {
        port: processes.start(
            name,
            [sys.executable, "-m", module, "--port", str(port), *more.get(port, ())],
            log=surroundings.log_folder(state) / log,
            environment=surroundings.plain(),
            folder=ROOT,
        )
        for port, (name, module, log) in simulators.items()
    }
