"""Voice notes and pictures on the deployed stack: fetched, heard, seen, answered; or asked about kindly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from local.model_simulator.hearing import carrying
from shared.companies.rules import WORDS_TEXTS
from tests.e2e.test_conversations import Company, eventually
from tests.support import files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e

QUESTION = "How much is a bicycle check-up?"
TRANSCRIPTIONS = "/v1/audio/transcriptions"


@pytest.fixture
def company(world: RunningWorld) -> Iterator[Company]:
    """A company that repairs bicycles."""
    company = Company(world)
    yield company
    company.chatwoot.close()


def transcriptions(company: Company) -> int:
    """How often the model heard a recording."""
    return len(
        [one for one in company.world.model("GET", "/simulator/calls") if one["path"] == TRANSCRIPTIONS]
    )


def test_a_voice_note_is_answered(company: Company) -> None:
    """Named as WhatsApp names it, and not stored yet when the event comes."""
    company.world.model("DELETE", "/simulator/calls")
    written = company.chatwoot.customer_sends(
        carrying(files.OGG, QUESTION), "audio", name="voice note.oga", content_type="audio/ogg", missing=2
    )
    (reply,) = company.replies(written.conversation_id)
    assert "39" in reply
    assert transcriptions(company) == 1


def test_a_picture_is_answered_by_what_it_shows(company: Company) -> None:
    """Fetched over the redirect."""
    written = company.chatwoot.customer_sends(carrying(files.PNG, QUESTION), "image", name="photo.png")
    (reply,) = company.replies(written.conversation_id)
    assert "39" in reply


def test_a_voice_note_that_nobody_understands_is_asked_about_and_the_second_goes_to_a_person(
    company: Company,
) -> None:
    """In the company's language."""
    written = company.chatwoot.customer_sends(files.OGG, "audio", name="voice.oga")
    assert company.replies(written.conversation_id) == [WORDS_TEXTS["en"]]
    company.chatwoot.customer_sends(files.OGG, "audio", name="voice.oga")
    company.replies(written.conversation_id, 2)
    found = company.chatwoot.conversation
    assert eventually(lambda: found(written.conversation_id)["status"] == "pending")


def test_a_file_whose_address_leads_inside_is_not_fetched(company: Company) -> None:
    """The turn goes on without it."""
    written = company.chatwoot.customer_sends(
        b"", "image", text=QUESTION, name="photo.png", location="http://169.254.169.254/latest/meta-data/"
    )
    (reply,) = company.replies(written.conversation_id)
    assert "39" in reply
    assert "address_refused" in company.logs_of_a_turn()


def test_no_address_of_a_file_and_no_word_of_it_stands_in_a_log(company: Company) -> None:
    """Whoever has the address has the file."""
    word = f"planted{time.time_ns()}"
    written = company.chatwoot.customer_sends(
        carrying(files.OGG, f"{word} {QUESTION}"), "audio", name="v.oga"
    )
    company.replies(written.conversation_id)
    logs = company.logs_of_a_turn()
    assert word not in logs
    assert "/rails/active_storage/" not in logs
