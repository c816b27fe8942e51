"""House rules of the queues and of the mappings that empty them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra import names
from shared.email.records import LOST_AFTER
from tests.infra.templates import StageTemplate, target

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesizer

FOURTEEN_DAYS_SECONDS = 14 * 24 * 3600
ERRANDS = {
    "missed-messages": names.MISSED_MESSAGES,
    "token-refresh": names.TOKEN_REFRESH,
    "calendar-sync": names.CALENDAR_SYNC,
    "appointment-reminders": names.APPOINTMENT_REMINDERS,
}
CONSUMERS = {names.CONVERSATION_TURNS: "incoming", names.DEAD_LETTERS: "dead-letters"}


def test_every_queue_has_a_dead_letter_queue_or_is_the_last_one(template: StageTemplate) -> None:
    """What fails is kept somewhere; the last resort keeps it for the fourteen days that SQS allows."""
    queues = template.of_type("AWS::SQS::Queue")
    after = {
        name: target(queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"])
        for name, queue in queues.items()
        if "RedrivePolicy" in queue["Properties"]
    }
    last = set(queues) - set(after)
    dead_errands = {template.standard_queue(f"{kind}-dead")[0] for kind in (*ERRANDS, "emails")}
    assert last == {template.queue("parked")[0], *dead_errands}
    for name in after.values():
        assert queues[name]["Properties"]["MessageRetentionPeriod"] == FOURTEEN_DAYS_SECONDS


def test_messages_go_from_incoming_to_dead_letters_to_parked(template: StageTemplate) -> None:
    """A poison message is tried 20 times, telling a person ten days; then the operator is told."""
    incoming, dead, parked = (template.queue(name) for name in ("incoming", "dead-letters", "parked"))
    first, second = (queue[1]["Properties"]["RedrivePolicy"] for queue in (incoming, dead))
    assert (target(first["deadLetterTargetArn"]), first["maxReceiveCount"]) == (dead[0], 20)
    assert (target(second["deadLetterTargetArn"]), second["maxReceiveCount"]) == (parked[0], 1000)


def test_a_case_that_waits_as_long_as_it_can_is_parked_before_it_expires(template: StageTemplate) -> None:
    """A thousand waits of a quarter of an hour end before the retention does."""
    properties = template.queue("dead-letters")[1]["Properties"]
    longest = properties["RedrivePolicy"]["maxReceiveCount"] * 15 * 60
    assert longest < properties["MessageRetentionPeriod"]


@pytest.mark.parametrize("name", ["incoming", "dead-letters", "parked"])
def test_conversations_queues_are_fifo_per_conversation(template: StageTemplate, name: str) -> None:
    """Order and throughput belong to the message group; what is the same is said by the sender."""
    properties = template.queue(name)[1]["Properties"]
    assert properties["FifoQueue"] is True
    assert properties["ContentBasedDeduplication"] is False
    assert properties["DeduplicationScope"] == "messageGroup"
    assert properties["FifoThroughputLimit"] == "perMessageGroupId"


def test_every_queue_is_encrypted(template: StageTemplate) -> None:
    """By SQS's own key."""
    for queue in template.of_type("AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize(("name", "function"), ERRANDS.items())
def test_errands_go_through_a_standard_queue_and_do_not_live_long(
    template: StageTemplate, name: str, function: str
) -> None:
    """Fair queues are standard ones; an errand is worth nothing when the next run has begun."""
    logical_id, queue = template.standard_queue(name)
    properties = queue["Properties"]
    assert "FifoQueue" not in properties
    assert properties["MessageRetentionPeriod"] == 1800
    assert properties["RedrivePolicy"]["maxReceiveCount"] == 3
    source = template.source_of(function)
    timeout = template.function(function)["Properties"]["Timeout"]
    assert target(source["EventSourceArn"]) == logical_id
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["VisibilityTimeout"] >= 6 * timeout


def test_an_e_mail_waits_in_the_queue_for_as_long_as_it_may(template: StageTemplate) -> None:
    """Longer than the seven days of a company's rule, received as often as waiting takes."""
    logical_id, queue = template.standard_queue("emails")
    properties = queue["Properties"]
    assert "FifoQueue" not in properties  # fair queues are standard ones
    assert properties["MessageRetentionPeriod"] > 7 * 24 * 3600
    assert properties["RedrivePolicy"]["maxReceiveCount"] == 1000
    source = template.source_of(names.EMAIL_DELIVERY)
    timeout = template.function(names.EMAIL_DELIVERY)["Properties"]["Timeout"]
    assert target(source["EventSourceArn"]) == logical_id
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["VisibilityTimeout"] >= 6 * timeout
    # A message is no longer hidden than the sweep takes to call an e-mail lost.
    assert properties["VisibilityTimeout"] < LOST_AFTER.total_seconds()


def test_messages_stay_hidden_six_times_as_long_as_a_function_may_run(template: StageTemplate) -> None:
    """AWS's rule for queues that Lambda empties."""
    for function, queue in CONSUMERS.items():
        timeout = template.function(function)["Properties"]["Timeout"]
        assert template.queue(queue)[1]["Properties"]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize(("function", "queue"), CONSUMERS.items())
def test_batches_report_single_failures(template: StageTemplate, function: str, queue: str) -> None:
    """One conversation's failure never returns another's messages."""
    source = template.source_of(function)
    assert target(source["EventSourceArn"]) == template.queue(queue)[0]
    assert source["BatchSize"] == 10
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_turns_leave_concurrency_to_the_door(template: StageTemplate, synthesized: Synthesizer) -> None:
    """The mapping is limited, not the function: reserved concurrency would burn receive counts."""
    assert template.source_of(names.CONVERSATION_TURNS)["ScalingConfig"] == {"MaximumConcurrency": 50}
    chosen = synthesized("dev", turn_concurrency="7")
    assert chosen.source_of(names.CONVERSATION_TURNS)["ScalingConfig"] == {"MaximumConcurrency": 7}


def test_queues_refuse_plain_http(on_aws: StageTemplate) -> None:
    """Every queue on AWS denies what does not come over TLS."""
    protected = {
        target(queue)
        for policy in on_aws.of_type("AWS::SQS::QueuePolicy").values()
        for queue in policy["Properties"]["Queues"]
        if any(
            statement["Effect"] == "Deny"
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        )
    }
    assert protected == set(on_aws.of_type("AWS::SQS::Queue"))
