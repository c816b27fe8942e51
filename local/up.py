"""Brings the local world up, step by step."""

from __future__ import annotations

import fcntl
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cli.bootstrap import create_operator_key
from infra import names
from local import aws, oauth_clients, sample, simulators, surroundings
from local.deploy import Deployment
from local.failure import Failure
from local.model import choose
from local.ports import Ports, answers, url
from local.processes import Processes
from local.status import addresses
from local.world import REGION, ROOT, STAGE, World

if TYPE_CHECKING:
    from local.options import Options
    from local.progress import Progress

READY_SECONDS = 30.0
_WATCH_SECONDS = 1.0


class Up:
    """One run of ``up``.

    Args:
        options: what was asked for.
        progress: tells the person at the terminal.
    """

    def __init__(self, options: Options, progress: Progress) -> None:
        self.is_up = False
        self._options = options
        self._lock_file: TextIO | None = None
        self._progress = progress
        self._ports = Ports(options.port)
        self._processes = Processes(options.state)
        self._model = choose(
            base_url=options.openai_base_url,
            api_key=options.openai_api_key,
            name=options.openai_model,
            simulator_port=self._ports.model,
        )

    def require_room(self) -> None:
        """Make sure that nothing is in the way; clear what a killed run left behind.

        Raises:
            Failure: a world runs in this folder already, or a port is taken.
        """
        self._options.state.mkdir(parents=True, exist_ok=True)
        if not self._lock() or self._is_running():
            raise Failure("It runs already: `python -m local status` shows where, `make down` stops it.")
        left_behind = self._processes.stop_all()
        if left_behind:
            self._progress.say(f"Stopped what an earlier run left behind: {', '.join(left_behind)}.")
        self._ports.require_free()

    def _lock(self) -> bool:
        """Keep other runs out of this folder for as long as this process lives."""
        self._lock_file = (self._options.state / "lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _is_running(self) -> bool:
        recorded = self._processes.recorded()
        whole = (self._options.state / "env.json").exists() and len(recorded) > 0
        return whole and all(self._processes.is_alive(process) for process in recorded)

    def bring_up(self) -> World:
        """Start, deploy, and play the sample.

        Returns:
            The world as it stands in ``env.json``.

        Raises:
            Failure: one of the steps could not be done.
        """
        self._progress.say(f"Answers will come from {self._model.describe()}.")
        with self._progress.step("Starting the local AWS and the simulators"):
            self._start_servers()
        deployment = Deployment(
            state=self._options.state,
            aws_endpoint_url=url(self._ports.aws),
            public_url=url(self._ports.api),
            model=self._model,
            clients=oauth_clients.register(self._ports),
            mail_base_url=url(self._ports.mail),
        )
        with self._progress.step("Deploying the stack with the CDK", deployment.log):
            deployment.prepare()
            outputs = deployment.run(self._processes)
        with self._progress.step("Opening the API"):
            self._start_proxy(outputs[names.Outputs.API_ID])
        world = self._with_operator(self._described(outputs))
        if self._options.sample:
            world = self._with_sample(world)
        links = ["", *sample.connect_links(world)] if self._options.sample else []
        world.save(self._options.state)
        self.is_up = True
        self._progress.say(f"\nRunning after {self._progress.elapsed_seconds():.1f} s:")
        for line in [*addresses(world), *links]:
            self._progress.say(line)
        return world

    def stop(self) -> list[str]:
        """End everything that was started; see `stop`."""
        return stop(self._processes, self._options.state)

    def watch(self) -> None:
        """Wait until the world is stopped from elsewhere.

        Raises:
            Failure: one of its processes ended by itself.
        """
        while (self._options.state / "env.json").exists():  # `down`, in another terminal, takes it away
            for process in self._processes.recorded():
                if not self._processes.is_alive(process):
                    raise Failure(f"{process.name} ended: its last lines stand above.", Path(process.log))
            time.sleep(_WATCH_SECONDS)

    def _start_servers(self) -> None:
        state, ports = self._options.state, self._ports
        stack = aws.start(self._processes, ports.aws, state)
        servers = simulators.start(self._processes, ports, state)
        self._processes.wait_until(lambda: aws.is_ready(ports.aws), stack, READY_SECONDS)
        for port, server in servers.items():
            self._processes.wait_until(partial(answers, port), server, READY_SECONDS)

    def _start_proxy(self, api_id: str) -> None:
        port, target = str(self._ports.api), str(self._ports.aws)
        host = f"{api_id}.execute-api.localhost"
        settings = ["--port", port, "--target-port", target, "--target-host", host]
        proxy = self._processes.start(
            "API",
            [sys.executable, "-m", "local.proxy", *settings],
            log=surroundings.log_folder(self._options.state) / "api.log",
            environment=surroundings.plain(),
            folder=ROOT,
        )
        self._processes.wait_until(partial(answers, self._ports.api), proxy, READY_SECONDS)

    def _described(self, outputs: dict[str, str]) -> World:
        return World(
            api_url=url(self._ports.api),
            desk_url=f"{url(self._ports.chatwoot)}/desk",
            aws_endpoint_url=url(self._ports.aws),
            region=REGION,
            stack=names.stack(STAGE),
            outputs=outputs,
            chatwoot_base_url=url(self._ports.chatwoot),
            model_base_url=self._model.base_url,
            model_is_simulated=self._model.simulated,
            google_base_url=url(self._ports.google),
            calendly_base_url=url(self._ports.calendly),
            generic_calendar_base_url=url(self._ports.generic_calendar),
            mail_base_url=url(self._ports.mail),
            smtp_port=self._ports.smtp,
            microsoft_base_url=url(self._ports.microsoft),
            logs=str(surroundings.log_folder(self._options.state)),
        )

    @staticmethod
    def _with_operator(world: World) -> World:
        """Give the operator a key, in the table itself: there is nobody yet who could ask the API for one."""
        client = aws.client("dynamodb", world.aws_endpoint_url)
        table = world.outputs[names.Outputs.COMPANIES_TABLE]
        return replace(world, operator_api_key=create_operator_key(client, table, "local world"))

    def _with_sample(self, world: World) -> World:
        chosen = sample.Sample.read()
        with self._progress.step(f"Creating the sample company {chosen.company_id}"):
            world = sample.create_company(world, chosen)
        with self._progress.step("Playing a sample conversation"):
            conversation = sample.play(world, chosen)
        self._progress.say()
        for line in sample.shown(conversation):
            self._progress.say(line)
        return world


def stop(processes: Processes, state: Path) -> list[str]:
    """End a world's processes, and take back its ``env.json``.

    Returns:
        The names of the processes that were still there.
    """
    (state / "env.json").unlink(missing_ok=True)
    return processes.stop_all()
