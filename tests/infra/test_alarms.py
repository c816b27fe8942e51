"""The operator's alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import names
from tests.infra.templates import Resource, StageTemplate, target

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesizer


def alarms(template: StageTemplate) -> dict[str, Resource]:
    """Properties of the alarms, by our names for them."""
    prefix = names.alarm(template.stage, "")
    found = template.of_type("AWS::CloudWatch::Alarm").values()
    return {a["Properties"]["AlarmName"].removeprefix(prefix): a["Properties"] for a in found}


def test_there_is_an_alarm_for_everything_that_leaves_a_customer_waiting(template: StageTemplate) -> None:
    """Ages of queues, dead letters, the door's failures, and errors and throttles of every function."""
    functions = [name.replace("_", "-") for name in names.FUNCTIONS]
    expected = {"incoming-age", "dead-letter-age", "dead-letters", "parked", "door-5xx"}
    expected |= {f"{name}-{what}" for name in functions for what in ("errors", "throttles")}
    assert set(alarms(template)) == expected


def test_every_alarm_says_what_it_means_and_reaches_the_topic(template: StageTemplate) -> None:
    """An alarm that reaches nobody is none."""
    [topic] = template.of_type("AWS::SNS::Topic")
    for name, alarm in alarms(template).items():
        assert alarm["AlarmDescription"].endswith("."), name
        assert [target(action) for action in alarm["AlarmActions"]] == [topic], name
        assert alarm["TreatMissingData"] == "notBreaching", name


def test_the_age_alarms_watch_their_queues(template: StageTemplate) -> None:
    """The oldest message tells that nothing moves, however few there are."""
    for alarm, queue in (("incoming-age", "incoming"), ("dead-letter-age", "dead-letters")):
        properties = alarms(template)[alarm]
        assert properties["MetricName"] == "ApproximateAgeOfOldestMessage"
        [dimension] = properties["Dimensions"]
        assert target(dimension["Value"]["Fn::GetAtt"] and dimension["Value"]) == template.queue(queue)[0]


def test_the_dead_letter_alarm_reads_the_metric_as_the_function_emits_it(template: StageTemplate) -> None:
    """Powertools adds POWERTOOLS_SERVICE_NAME as dimension; without it the alarm would watch nothing."""
    function = template.function(names.DEAD_LETTERS)["Properties"]
    alarm = alarms(template)["dead-letters"]
    assert alarm["Namespace"] == "Frontdesk"
    assert alarm["MetricName"] == names.METRIC_DEAD_LETTERS
    service = function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": service}]


def test_the_doors_failures_are_counted_by_route(template: StageTemplate) -> None:
    """The health route answers 503 on purpose and must not wake anybody."""
    [metric_filter] = template.of_type("AWS::Logs::MetricFilter").values()
    pattern = metric_filter["Properties"]["FilterPattern"]
    assert pattern == '{ $.route = "POST /api/webhook/chatwoot*" && $.status = "5*" }'
    [transformation] = metric_filter["Properties"]["MetricTransformations"]
    alarm = alarms(template)["door-5xx"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        transformation["MetricNamespace"],
        transformation["MetricName"],
    )


def test_cloudwatch_may_publish_to_the_encrypted_topic(on_aws: StageTemplate) -> None:
    """A topic with a policy has lost the default one, and an encrypted one needs its key as well."""
    [policy] = on_aws.of_type("AWS::SNS::TopicPolicy").values()
    publishers = [
        statement["Principal"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and statement["Action"] == "sns:Publish"
    ]
    assert publishers == [{"Service": "cloudwatch.amazonaws.com"}]
    [topic] = on_aws.of_type("AWS::SNS::Topic").values()
    key = on_aws.body["Resources"][target(topic["Properties"]["KmsMasterKeyId"])]["Properties"]
    assert key["KeyPolicy"]["Statement"][-1]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}


def test_alarms_go_to_the_address_that_is_given(synthesized: Synthesizer) -> None:
    """An address in the context is subscribed; without one nobody is."""
    template = synthesized("dev", alarm_email="ops@example.com")
    [subscription] = template.of_type("AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Endpoint"] == "ops@example.com"
    assert synthesized("dev").of_type("AWS::SNS::Subscription") == {}
