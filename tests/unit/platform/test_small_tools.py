"""Clock, deadline, secrets, logs and metrics."""

from __future__ import annotations

import io
import json
import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shared.platform.clock import Deadline, SystemClock, epoch_milliseconds, from_epoch_milliseconds
from shared.platform.observability import bound, count, log, milliseconds
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from tests.fakes.clock import FakeClock


def test_a_deadline_counts_down_and_never_below_zero(clock: FakeClock) -> None:
    """What is left is the next call's time-out."""
    deadline = Deadline(clock, 10)
    assert deadline.within(3) == 3
    clock.advance(8)
    assert deadline.within(3) == pytest.approx(2)
    assert not deadline.passed()
    clock.advance(5)
    assert deadline.remaining_seconds() == 0
    assert deadline.passed()


def test_moments_survive_as_milliseconds() -> None:
    """How tables hold them."""
    moment = datetime(2026, 11, 23, 9, 0, 0, 431_000, tzinfo=UTC)
    assert from_epoch_milliseconds(epoch_milliseconds(moment)) == moment


def test_the_system_clock_is_aware_and_in_utc() -> None:
    """No naive times inside."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    before = clock.monotonic()
    clock.sleep(0)
    assert clock.monotonic() >= before


def test_a_secret_hides_wherever_it_is_printed() -> None:
    """Logs, tracebacks and f-strings."""
    secret = Secret("planted")
    assert "planted" not in f"{secret} {secret!r} {[secret]} {vars} {ValueError(secret)}"
    assert secret.reveal() == "planted"


def test_secrets_compare_by_value() -> None:
    """In constant time, whatever characters come."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("ñ").matches("\ud83d")


def test_keys_bound_in_ten_threads_stay_with_their_own_lines() -> None:
    """Powertools' usual keys are shared by the whole process."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log.registered_formatter)
    log.addHandler(handler)
    start = threading.Barrier(10)

    def speak(number: int) -> None:
        start.wait()
        for _ in range(50):
            with bound(conversation=f"c{number}"):
                log.info("line", said_by=f"c{number}")

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log._logger.removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 500
    assert all(line["conversation"] == line["said_by"] for line in lines)


def test_keys_end_with_their_block() -> None:
    """The next conversation starts clean."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log.registered_formatter)
    log.addHandler(handler)
    with bound(conversation="c1"):
        log.info("inside")
    log.info("outside")
    log._logger.removeHandler(handler)
    inside, outside = (json.loads(line) for line in stream.getvalue().splitlines())
    assert inside["conversation"] == "c1"
    assert "conversation" not in outside


def test_metrics_are_lines_in_cloudwatchs_embedded_format(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, so that threads cannot mix them."""
    count("Turns", outcome="answered")
    milliseconds("TurnWaitTime", 4_000)
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["Turns"] == [1.0]
    assert first["outcome"] == "answered"
    assert first["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Frontdesk"
    assert second["TurnWaitTime"] == [4000.0]
