"""The operator's alarms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infra import names
from infra.bundling import ROOT
from infra.constructs.counters import COUNTERS, Counter
from shared.platform.observability import count
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
    expected = {"incoming-age", "dead-letter-age", "parked", "missed-messages-dead", "door-5xx"}
    expected |= {"token-refresh-dead", "calendar-sync-dead", "emails-dead", "emails-age"}
    expected |= {"appointment-reminders-dead"}
    expected |= {counter.alarm for counter in COUNTERS}
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
        assert target(dimension["Value"]) == template.queue(queue)[0]


def filters(template: StageTemplate) -> dict[str, Resource]:
    """Properties of the metric filters, by the metric they count into."""
    found = template.of_type("AWS::Logs::MetricFilter").values()
    return {f["Properties"]["MetricTransformations"][0]["MetricName"]: f["Properties"] for f in found}


@pytest.mark.parametrize("counter", COUNTERS, ids=lambda counter: counter.alarm)
def test_a_counter_is_read_in_the_log_of_the_function_that_counts(
    template: StageTemplate, counter: Counter
) -> None:
    """Whatever its dimensions: an alarm on the metric itself would have to name every reason."""
    metric = names.counted(template.stage, counter.alarm)
    group = template.body["Resources"][target(filters(template)[metric]["LogGroupName"])]["Properties"]
    assert group["LogGroupName"] == names.function_logs(template.stage, counter.function)
    alarm = alarms(template)[counter.alarm]
    assert (alarm["Namespace"], alarm["MetricName"]) == (names.COUNTED, metric)
    assert alarm["Threshold"] == counter.threshold


@pytest.mark.parametrize("counter", COUNTERS, ids=lambda counter: counter.alarm)
def test_a_counted_line_looks_as_the_filter_expects(
    template: StageTemplate, counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    """The embedded metric format writes the value as a list under the metric's name."""
    count(counter.metric, reason=counter.reason or "any")
    line = json.loads(capsys.readouterr().out)
    assert line[counter.metric][0] >= 1
    pattern = filters(template)[names.counted(template.stage, counter.alarm)]["FilterPattern"]
    only = f' && $.reason = "{line["reason"]}"' if counter.reason else ""
    assert pattern == f"{{ $.{counter.metric}[0] >= 1{only} }}"


@pytest.mark.parametrize("counter", COUNTERS, ids=lambda counter: counter.alarm)
def test_somebody_counts_what_the_alarm_waits_for(counter: Counter) -> None:
    """A renamed metric must not leave its alarm watching nothing."""
    sources = (file.read_text() for file in (ROOT / "shared").rglob("*.py"))
    assert any(f'count("{counter.metric}"' in source for source in sources)


def test_the_doors_failures_are_counted_by_route(template: StageTemplate) -> None:
    """The health route answers 503 on purpose and must not wake anybody."""
    counted = filters(template)[names.counted(template.stage, "door-5xx")]
    assert counted["FilterPattern"] == '{ $.route = "POST /api/webhook/chatwoot*" && $.status = "5*" }'
    group = template.body["Resources"][target(counted["LogGroupName"])]["Properties"]
    assert group["LogGroupName"] == names.access_logs(template.stage)


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
