from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from local import sample
from local.calls import Caller
from local.ports import Ports, is_free
from local.processes import Processes
from local.sample import Sample
from local.world import ROOT
from tests.support.chatwoot import ChatwootHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e

# Apart from the ports of the shared world.
PORTS = Ports(19500)
REFUSED, INTERRUPTED = 1, 130


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`up` in the foreground, in a folder and on ports of its own, as soon as its first servers run."""
    words = ["up", "--no-sample", "--port", str(PORTS.first), "--state-dir", str(tmp_path)]
    run = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "local", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        eventually(lambda: len(Processes(tmp_path).recorded()) >= 3, "three processes to run")
        yield run
    finally:
        run.kill()
        run.communicate()
        Processes(tmp_path).stop_all()


def eventually(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what} in vain"
        time.sleep(0.05)


def local(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "local", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_sample_conversation_is_answered_with_the_price(world: RunningWorld) -> None:
    """The sample company is created through the API, and its customer's question answered from its data."""
    chosen = Sample.read()

    with_company = sample.create_company(world.world, chosen)
    conversation = sample.play(with_company, chosen)

    assert with_company.company_api_key.startswith(f"fd_{chosen.company_id}.")
    assert with_company.webhook_url.startswith(f"{world.world.api_url}/api/webhook/chatwoot/")

    price = next(one["price"]["amount_minor"] for one in chosen.document["services"] if one["id"] == "botox")
    assert str(price // 100) in " ".join(conversation.replies)
    times = [milestone.at_seconds for milestone in conversation.milestones]
    assert times == sorted(times)


def test_the_sample_company_has_free_times_in_a_calendar(world: RunningWorld) -> None:
    """It is connected without a browser, and its calendar is looked into."""
    chosen = Sample.read()
    sample.create_company(world.world, chosen)

    status = world.api("GET", f"/api/integrations/google/status?company_id={chosen.company_id}")
    assert (status["connected"], status["account_email"]) == (True, chosen.calendar_account)

    (calendar,) = chosen.document["calendars"]
    asked = f"company_id={chosen.company_id}&service={chosen.document['services'][0]['id']}"
    found = world.api("GET", f"/api/calendar/availability?{asked}")
    assert found["unreadable"] == {}
    assert found["slots"][0]["calendars"] == [[calendar["id"]]]


def test_the_sample_companys_mails_go_through_ses_when_its_first_provider_refuses_them(
    world: RunningWorld,
) -> None:
    """Under an access key that was made for it in the local AWS."""
    chosen, mail = Sample.read(), Caller(world.world.mail_base_url)
    sample.create_company(world.world, chosen)
    message = {"to": [f"{uuid.uuid4().hex}@cliente.example"], "subject": "Hola", "text": "Hola"}

    def arrived() -> list[str]:
        return [one["via"] for one in mail("GET", "/simulator/mails") if one["recipients"] == message["to"]]

    mail("PUT", "/simulator/faults", [{"path": "/v3/mail/send", "status": 401, "times": None}])
    try:
        world.api("POST", "/api/emails", {"company_id": chosen.company_id, "message": message})
        eventually(lambda: bool(arrived()), "the mail")
    finally:
        mail("PUT", "/simulator/faults", [])
    assert arrived() == ["ses"]


def test_the_signed_delivery_of_the_guide_is_accepted_and_answered(
    world: RunningWorld, tmp_path: Path
) -> None:
    """The commands in docs/how-to/run-locally.md do what the page says."""
    chosen = Sample.read()
    connected = sample.create_company(world.world, chosen)
    sample.play(connected, chosen)
    guide = (ROOT / "docs" / "how-to" / "run-locally.md").read_text("utf-8")
    script = guide.split("```sh\n", 1)[1].split("```", 1)[0]

    said = subprocess.run(  # noqa: S603 - the guide's own words
        ["/bin/sh", "-c", script],
        env={"PATH": os.environ["PATH"], "WORLD": str(connected.save(tmp_path)), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said.startswith("HTTP/1.1 202")
    assert '"status": "queued"' in said
    with ChatwootHandle(world.world.chatwoot_base_url, 1) as chatwoot:
        eventually(lambda: "65" in str(chatwoot.customer_sees(1)), "the price", seconds=40)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_that_was_started(
    number: signal.Signals, up: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Ctrl-C in the middle of the deployment leaves no process, no taken port and no record."""
    up.send_signal(number)
    said, _ = up.communicate(timeout=30)

    assert up.returncode == INTERRUPTED
    assert "Stopped: " in said
    assert "Traceback" not in said
    assert Processes(tmp_path).recorded() == []
    assert all(map(is_free, PORTS.all))


def test_down_ends_what_a_killed_run_left(up: subprocess.Popen[str], tmp_path: Path) -> None:
    """Even kill -9 leaves nothing that `down` cannot clear away."""
    os.kill(up.pid, signal.SIGKILL)
    up.wait()
    assert Processes(tmp_path).recorded() != []

    assert "local AWS" in local("down", "--state-dir", str(tmp_path)).stdout

    assert Processes(tmp_path).recorded() == []
    assert all(map(is_free, PORTS.all))


@pytest.mark.usefixtures("up")
def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """It says how to stop the first, and leaves it alone."""
    running = [process.pid for process in Processes(tmp_path).recorded()]

    second = local("up", "--port", str(PORTS.first + 4), "--state-dir", str(tmp_path))

    assert second.returncode == REFUSED
    assert "It runs already" in second.stderr
    assert [process.pid for process in Processes(tmp_path).recorded()][: len(running)] == running


@pytest.mark.usefixtures("up")
def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    """Another folder, the same ports: one sentence, and no process."""
    other = tmp_path / "other"

    second = local("up", "--port", str(PORTS.first), "--state-dir", str(other))

    assert second.returncode == REFUSED
    assert f"{PORTS.aws}" in second.stderr
    assert "--port" in second.stderr
    assert Processes(other).recorded() == []
