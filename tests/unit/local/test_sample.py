from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from local import status
from local.options import parse
from local.sample import Conversation, Milestone, Sample, shown
from local.world import ROOT, World
from shared.companies.model import Company

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

WORLD = World(
    api_url="http://api",
    desk_url="http://chat/desk",
    aws_endpoint_url="http://aws",
    region="eu-west-1",
    stack="stack",
    chatwoot_base_url="http://chat",
    model_base_url="http://model",
    model_is_simulated=True,
    logs="logs",
    google_base_url="http://google",
    mail_base_url="http://mail",
    company_id="a-company",
)


def test_the_sample_is_a_valid_company_with_the_price_that_is_asked_for() -> None:
    """What `make run` shows first must not fail on a typing error in a data file."""
    sample = Sample.read()
    company = Company.parse(sample.document)

    assert company.language == "es"
    assert any(service.name.lower() in sample.question.lower() for service in company.services)


def test_the_sample_can_be_booked_in_the_words_that_are_printed() -> None:
    """It has a calendar and hours, and the first line to try names one of its services."""
    sample = Sample.read()
    company = Company.parse(sample.document)

    assert [one.provider for one in company.calendars] == ["google"]
    assert company.opening_hours is not None
    assert any(service.name.lower() in sample.to_try[0].lower() for service in company.services)


def test_where_to_book_and_look_is_told_with_the_sample_only() -> None:
    """The chat page, the calendar and the inbox; without the sample nobody could book."""
    with_sample = "\n".join(status.addresses(WORLD))
    for shown_at in (
        "http://chat/desk",
        "http://google/calendar",
        "http://mail/inbox",
        *Sample.read().to_try,
    ):
        assert shown_at in with_sample

    without = "\n".join(status.addresses(replace(WORLD, company_id="")))
    assert Sample.read().to_try[0] not in without


def test_the_words_of_the_business_stand_in_the_sample_file_only() -> None:
    """A simulator that knows the sample would make every demonstration a lie."""
    sample = Sample.read()
    words = {sample.document["name"], *(service["name"] for service in sample.document["services"])}
    pattern = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    sources = [*ROOT.glob("local/**/*.py"), *ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py")]

    assert [str(file) for file in sources if pattern.search(file.read_text("utf-8"))] == []


def test_the_conversation_is_shown_with_the_time_of_each_step() -> None:
    """Who said what, line by line under the name, then each step with its own share of the time."""
    conversation = Conversation(
        question="How much?",
        customer="Ann",
        replies=["I am a machine.\n\n39 euros."],
        milestones=[Milestone("accepted", 0.5), Milestone("answered", 2.0)],
    )

    assert shown(conversation) == [
        "  Ann: How much?",
        "  Frontdesk: I am a machine.\n             39 euros.",
        "",
        "    0.50 s  (+ 0.50 s)  accepted",
        "    2.00 s  (+ 1.50 s)  answered",
    ]


def test_where_nothing_runs_the_status_says_how_to_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And its exit status tells scripts."""
    assert status.show(parse(["status", "--state-dir", str(tmp_path)], {})) == status.NOT_RUNNING
    assert "make run" in capsys.readouterr().out
