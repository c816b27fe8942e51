"""What runs by the clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infra import names
from infra.stages import ContextError
from tests.infra.templates import Resource, StageTemplate, as_list, target

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesizer


def missed(template: StageTemplate) -> Resource:
    """Properties of the schedule of the search for missed messages."""
    wanted = names.schedule(template.stage, names.MISSED_MESSAGES)
    _, schedule = template.named("AWS::Scheduler::Schedule", "Name", wanted)
    properties: Resource = schedule["Properties"]
    return properties


def test_missed_messages_are_searched_for_every_two_minutes(template: StageTemplate) -> None:
    """With the run's own time, which is the same in every copy of a call."""
    properties = missed(template)
    assert properties["ScheduleExpression"] == "rate(2 minutes)"
    assert properties["FlexibleTimeWindow"] == {"Mode": "OFF"}
    function, _ = template.named(
        "AWS::Lambda::Function", "FunctionName", names.function(template.stage, names.MISSED_MESSAGES)
    )
    assert target(properties["Target"]["Arn"]) == function
    assert json.loads(properties["Target"]["Input"]) == {"scheduled_at": "<aws.scheduler.scheduled-time>"}


def test_a_call_that_is_late_is_not_made_up_for(template: StageTemplate) -> None:
    """The next one comes as soon."""
    retry = missed(template)["Target"]["RetryPolicy"]
    assert retry == {"MaximumEventAgeInSeconds": 120, "MaximumRetryAttempts": 2}


def test_the_clock_may_call_this_function_and_nothing_else(template: StageTemplate) -> None:
    """A role of its own, for this account's schedules only."""
    properties = missed(template)
    role = template.body["Resources"][target(properties["Target"]["RoleArn"])]["Properties"]
    [policy] = role["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert as_list(statement["Action"]) == ["lambda:InvokeFunction"]
    assert statement["Resource"] == properties["Target"]["Arn"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_tokens_that_are_due_are_looked_for_every_five_minutes(
    template: StageTemplate, synthesized: Synthesizer
) -> None:
    """More often than the fifteen minutes before their end from which they are due."""
    wanted = names.schedule(template.stage, names.TOKEN_REFRESH)
    _, schedule = template.named("AWS::Scheduler::Schedule", "Name", wanted)
    assert schedule["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    function, _ = template.named(
        "AWS::Lambda::Function", "FunctionName", names.function(template.stage, names.TOKEN_REFRESH)
    )
    assert target(schedule["Properties"]["Target"]["Arn"]) == function
    with pytest.raises(ContextError, match="from 1 to 10"):
        synthesized("dev", refresh_every_minutes="15")


def test_lost_e_mails_are_looked_for_every_five_minutes(
    template: StageTemplate, synthesized: Synthesizer
) -> None:
    """Or as often as the operator says."""
    wanted = names.schedule(template.stage, names.EMAIL_DELIVERY)
    _, schedule = template.named("AWS::Scheduler::Schedule", "Name", wanted)
    assert schedule["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    chosen = synthesized("dev", email_sweep_every_minutes="1")
    _, schedule = chosen.named(
        "AWS::Scheduler::Schedule", "Name", names.schedule("dev", names.EMAIL_DELIVERY)
    )
    assert schedule["Properties"]["ScheduleExpression"] == "rate(1 minute)"


def test_calendars_are_looked_at_every_fifteen_minutes(
    template: StageTemplate, synthesized: Synthesizer
) -> None:
    """More often than what is known of them grows old by default."""
    wanted = names.schedule(template.stage, names.CALENDAR_SYNC)
    _, schedule = template.named("AWS::Scheduler::Schedule", "Name", wanted)
    assert schedule["Properties"]["ScheduleExpression"] == "rate(15 minutes)"
    with pytest.raises(ContextError, match="from 5 to 15"):
        synthesized("dev", sync_every_minutes="20")


def test_the_pace_can_be_chosen(synthesized: Synthesizer) -> None:
    """In whole minutes."""
    expressions = [
        missed(synthesized("dev", missed_every_minutes=minutes))["ScheduleExpression"]
        for minutes in ("1", "10")
    ]
    assert expressions == ["rate(1 minute)", "rate(10 minutes)"]
    with pytest.raises(ContextError, match="from 1 to 60"):
        synthesized("dev", missed_every_minutes="0")


def test_reminders_are_looked_for_every_minute(template: StageTemplate) -> None:
    """A reminder comes in the minute that the company chose."""
    wanted = names.schedule(template.stage, names.APPOINTMENT_REMINDERS)
    _, schedule = template.named("AWS::Scheduler::Schedule", "Name", wanted)
    assert schedule["Properties"]["ScheduleExpression"] == "rate(1 minute)"
