"""After everything else: no function broke, and the clock can call each one that it calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e


def test_every_function_that_the_clock_calls_comes_to_its_end(world: RunningWorld) -> None:
    """Under its own role, on tables that have been in use."""
    scheduler, functions = world.aws("scheduler"), world.aws("lambda")
    called = []
    for schedule in scheduler.list_schedules()["Schedules"]:
        target = scheduler.get_schedule(Name=schedule["Name"])["Target"]
        # What the scheduler puts in place of its context attribute.
        payload = target["Input"].replace("<aws.scheduler.scheduled-time>", "2026-11-24T10:00:00Z")
        answer = functions.invoke(FunctionName=target["Arn"], Payload=payload.encode())
        called.append(schedule["Name"])
        assert "FunctionError" not in answer, (schedule["Name"], json.loads(answer["Payload"].read()))
    assert len(called) >= 5, called


def test_no_function_ended_with_an_error(world: RunningWorld) -> None:
    """In the whole run: what fails on purpose is caught, counted and tried again."""
    log = (Path(world.world.logs) / "aws.log").read_text("utf-8")
    lines = log.splitlines()
    broken = [number for number, line in enumerate(lines) if line.startswith("Traceback ")]
    assert [lines[number : number + 40] for number in broken] == []
