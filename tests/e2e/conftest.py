"""The local world for the tests that need the deployed stack: brought up once, taken down at the end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from infra import names
from local import aws
from local.calls import Caller
from local.logs import events
from local.ports import HOW_MANY, Ports, is_free
from local.progress import tail
from local.world import ROOT, STAGE, World
from tests.support.browsing import Album, Person, running_chromium
from tests.support.leaks import Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from playwright.sync_api import Browser

FIRST_PORT = 18480
LAST_PORT = 19480
UP_SECONDS = 280
LOG_LINES_SHOWN = 30


@dataclass(frozen=True)
class RunningWorld:
    """A running local world, and ways to talk to its parts.

    Args:
        world: its addresses and keys, as in ``env.json``.
        api: our API, called as the operator: ``api("GET", "/api/health")``. A refusal is an error.
        chatwoot: the Chatwoot simulator.
        model: the model simulator.
        providers: the simulators of Google and Calendly.
        answers: what our API answered since the world is up.
    """

    world: World
    api: Caller
    chatwoot: Caller
    model: Caller
    providers: dict[str, Caller]
    answers: Answers
    _clients: dict[str, Any] = field(default_factory=dict)

    def aws(self, service: str) -> Any:  # noqa: ANN401 - any service's client
        """A client of the local AWS with every permission."""
        if service not in self._clients:
            self._clients[service] = aws.client(service, self.world.aws_endpoint_url)
        return self._clients[service]

    def function_logs(self, function: str = "") -> list[str]:
        """What a function logged so far, or all of them."""
        return [event["message"] for event in events(self.world, function)]

    def kill_workers(self, function: str) -> int:
        """Kill -9 of every process of a function in this world; the next invocation starts a new one.

        Args:
            function: such as ``conversation_turns``.

        Returns:
            How many there were.
        """
        folder, killed = f"ministack-lambda-{names.function(STAGE, function)}", 0
        for process in psutil.process_iter(["cmdline"]):
            if folder not in " ".join(process.info["cmdline"] or ()):
                continue
            if process.environ().get("AWS_ENDPOINT_URL", "").endswith(self.world.aws_endpoint_url[-6:]):
                process.kill()
                killed += 1
        return killed

    def queue_attributes(self, output: str) -> dict[str, int]:
        """How many messages a queue holds: visible, in flight and delayed.

        Args:
            output: the stack output that holds the queue's URL, such as ``IncomingQueueUrl``.
        """
        wanted = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        answer = self.aws("sqs").get_queue_attributes(
            QueueUrl=self.world.outputs[output], AttributeNames=wanted
        )
        return {name: int(value) for name, value in answer["Attributes"].items()}

    def new_account(self) -> dict[str, Any]:
        """An account of its own in the Chatwoot simulator: users, bot and inboxes with their tokens."""
        account: dict[str, Any] = self.chatwoot("POST", "/simulator/accounts", {"name": uuid.uuid4().hex})
        return account

    def connected_company(self, account: dict[str, Any], **document: object) -> str:
        """A company of its own, connected to that account through our API; its id.

        Args:
            account: what `new_account` returned.
            document: fields of the company's document that differ from the defaults.
        """
        company_id = f"company-{uuid.uuid4().hex[:12]}"
        basics = {"name": "A Company", "zone": "Europe/Madrid", "language": "en"}
        self.api("PUT", f"/api/companies/{company_id}", {**basics, **document})
        administrator = next(user for user in account["users"] if user["role"] == "administrator")
        connection = {
            "company_id": company_id,
            "base_url": self.world.chatwoot_base_url,
            "account_id": account["id"],
            "api_key": administrator["token"],
            "bot_token": account["bots"][0]["token"],
            "register_webhook": True,
        }
        self.api("POST", "/api/integrations/chatwoot/connect", connection)
        return company_id


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorld]:
    """The local world, without the sample, on ports and in a folder of its own."""
    state = tmp_path_factory.mktemp("world")
    try:
        _bring_up(state)
        described = World.load(state)
        with Answers(described.api_url).listening() as answers:
            yield RunningWorld(
                described,
                api=Caller(described.api_url, described.operator_api_key),
                chatwoot=Caller(described.chatwoot_base_url),
                model=Caller(described.model_base_url.removesuffix("/v1")),
                providers={
                    "google": Caller(described.google_base_url),
                    "calendly": Caller(described.calendly_base_url),
                    "microsoft": Caller(described.microsoft_base_url),
                },
                answers=answers,
            )
    finally:
        _local("down", "--state-dir", str(state))


@pytest.fixture(autouse=True)
def nothing_left_wrong(request: pytest.FixtureRequest) -> None:
    """Switch off the faults that an earlier test, perhaps a failed one, left in the simulators."""
    if "world" in request.fixturenames:
        running: RunningWorld = request.getfixturevalue("world")
        for simulator in (running.chatwoot, running.model, *running.providers.values()):
            simulator("PUT", "/simulator/faults", [])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with running_chromium() as running:
        yield running


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    """Where pictures of the pages are kept; PICTURES names a folder to keep them in."""
    named = os.environ.get("PICTURES")
    return Album(Path(named) if named else tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def somebody(world: RunningWorld, browser: Browser, album: Album) -> Iterator[Callable[[], Person]]:
    """Makes people, each with a browser of their own."""
    people: list[Person] = []

    def new() -> Person:
        people.append(Person(browser, album, world.answers.seen_by_browser))
        return people[-1]

    yield new
    for one in people:
        one.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks back at the whole run comes last."""
    items.sort(key=lambda item: item.path.name in {"test_no_errors.py", "test_no_leaks.py"})


def _bring_up(state: Path) -> None:
    first = next(
        port for port in range(FIRST_PORT, LAST_PORT, HOW_MANY) if all(map(is_free, Ports(port).all))
    )
    run = _local("up", "--detach", "--no-sample", "--port", str(first), "--state-dir", str(state))
    if run.returncode != 0:
        pytest.fail(f"the local world did not come up:\n{run.stdout}{run.stderr}", pytrace=False)


def _local(*words: str) -> subprocess.CompletedProcess[str]:
    # The real model is never asked by a test, whatever key the shell holds.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "local", *words],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=UP_SECONDS,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the functions and servers logged last with a test that failed."""
    report = yield
    running = getattr(item, "funcargs", {}).get("world")
    if report.when == "call" and report.failed and isinstance(running, RunningWorld):
        for title, lines in _logs(running):
            report.sections.append((title, "\n".join(lines)))
    return report


def _logs(running: RunningWorld) -> Iterator[tuple[str, list[str]]]:
    with contextlib.suppress(Exception):  # a world that is down has no function logs to show
        yield "what the functions logged", running.function_logs()[-3 * LOG_LINES_SHOWN :]
    for log in sorted(Path(running.world.logs).glob("*.log")):
        yield f"the end of {log.name}", tail(log, LOG_LINES_SHOWN)
