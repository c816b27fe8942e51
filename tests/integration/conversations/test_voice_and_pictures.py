"""Voice is heard, pictures are seen, all else is told; nothing of it stops a turn or is done twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.agent.media.pictures import Picture
from shared.chatwoot.events import parse
from shared.chatwoot.media import FileUnavailable
from shared.chatwoot.results import ApiMessage
from shared.companies.connection import ChatwootConnection
from shared.companies.rules import WORDS_TEXTS
from shared.conversations.settings import TurnSettings
from shared.platform.errors import GiveUp, RetryLater
from tests.fakes.ears import attachment
from tests.support import files, webhooks
from tests.support.desk import World

if TYPE_CHECKING:
    from shared.platform.tables import Table

VOICE, PHOTO = "https://a.example/voice.oga", "https://a.example/photo"
LISTING = ChatwootConnection(
    "https://a.example",
    webhooks.ACCOUNT,
    user_id=1,
    capabilities={"read_conversation": False, "list_messages": True},
)


def shown(message_id: int = 70011, **content: Any) -> ApiMessage:  # noqa: ANN401 - JSON
    """A customer's message as the API shows it by now."""
    return ApiMessage(
        id=message_id,
        content=content.get("content"),
        message_type=0,
        private=False,
        sender_type="contact",
        sender_id=webhooks.CONTACT,
        content_attributes=content.get("content_attributes", {}),
        created_at=0,
        shown=content,
    )


@pytest.fixture
def world(world: World) -> World:
    """With a voice note and a photo in its storage."""
    world.ears.files |= {VOICE: files.OGG, PHOTO: files.PNG}
    return world


def kept(world: World, message_id: int = 70011) -> list[dict[str, Any]]:
    """What the inbox knows of a message's attachments."""
    item = world.table.get(world.key().inbox(message_id), consistent=True)
    assert item is not None
    heard: list[dict[str, Any]] = [one.get("heard", {}) for one in item["message"]["attachments"]]
    return heard


def test_a_voice_note_is_answered_by_what_it_says(world: World) -> None:
    """The model, the history and the inbox get the words, marked as a transcript."""
    world.ears.says.append("¿Tienen cita mañana?")
    world.customer_sends(attachment("audio", VOICE))
    world.work_until_done()
    words = "[voice message, transcript] ¿Tienen cita mañana?"
    assert world.said() == [f"Re: {words}"]
    assert any("misheard" in note for note in world.mind.asked[0].context.notes)
    world.customer_writes("¿y pasado?", 70100)
    world.work_until_done()
    assert world.mind.asked[1].history[0].text == words
    assert kept(world) == [{"as": "transcript", "text": "¿Tienen cita mañana?"}]


def test_the_transcription_gets_the_companys_language_and_names(table: Table) -> None:
    """Names are what machines mishear most."""
    world = World(table, {"services": [{"id": "botox", "name": "Bótox"}]})
    world.ears.files[VOICE] = files.OGG
    world.ears.says.append("hola")
    world.customer_sends(attachment("audio", VOICE))
    world.work_until_done()
    (asked,) = world.ears.asked
    assert (asked.extension, asked.language, asked.keywords) == ("ogg", "es", ("Clínica Sol", "Bótox"))


def test_a_customer_who_asks_for_a_person_aloud_gets_one(world: World) -> None:
    """The company's phrases count in what is said as in what is written."""
    world.ears.says.append("Quiero hablar con una persona, por favor.")
    world.customer_sends(attachment("audio", VOICE))
    world.work_until_done()
    assert world.chatwoot.statuses == {214: "pending"}
    assert world.mind.asked == []


def test_pictures_are_shown_to_the_model_in_their_order(world: World) -> None:
    """And told in words for the history; their bytes are stored nowhere."""
    world.ears.files["https://a.example/2"] = files.GIF
    world.customer_sends(
        attachment("image", PHOTO), attachment("image", "https://a.example/2"), text="¿qué es esto?"
    )
    world.work_until_done()
    assert world.mind.asked[0].pictures == (
        Picture("image/png", files.PNG),
        Picture("image/gif", files.GIF),
    )
    assert world.said() == ["Re: ¿qué es esto? [a picture] [a picture]"]
    assert kept(world)[0] == {"as": "picture", "type": "image/png", "bytes": len(files.PNG)}


@pytest.mark.parametrize(
    ("sent", "data", "way"),
    [
        (attachment("audio", VOICE), files.PNG, "picture"),
        (attachment("image", VOICE), files.OGG, "transcript"),
        (attachment("file", VOICE, content_type="audio/ogg"), files.OGG, "transcript"),
        (attachment("file", VOICE, content_type="image/jpeg"), files.JPEG, "picture"),
        (attachment("story_mention", VOICE), files.JPEG, "picture"),
        (attachment("ig_reel", VOICE), files.M4A, "closed"),
        (attachment("image", VOICE), files.HTML, "unseen"),
        (attachment("image", VOICE), files.MOVING_GIF, "unseen"),
        (attachment("audio", VOICE), files.AMR, "unheard"),
    ],
)
def test_what_a_file_is_counts_not_what_it_is_called(
    world: World, sent: dict[str, Any], data: bytes, way: str
) -> None:
    """Names and types are often wrong."""
    world.ears.files[VOICE] = data
    world.ears.says.append("hola")
    world.customer_sends(sent, text="mira")
    world.work_until_done()
    assert kept(world)[0]["as"] == way
    assert len(world.said()) == 1


@pytest.mark.parametrize(
    "sent",
    [
        attachment("file", VOICE, content_type="application/pdf"),
        attachment("video", VOICE),
        attachment("location", coordinates_lat=38.8977, coordinates_long=-77.0365),
        attachment("contact", fallback_title="+34600"),
        attachment("fallback", VOICE),
    ],
)
def test_what_cannot_be_heard_or_seen_is_told_in_words_and_not_fetched(
    world: World, sent: dict[str, Any]
) -> None:
    """Never dropped."""
    world.customer_sends(sent)
    world.work_until_done()
    assert world.ears.fetched == []
    assert world.said()[0].startswith("Re: [a ")


def test_a_sticker_is_not_looked_at(world: World) -> None:
    """It says hello or thank you."""
    world.customer_sends(attachment("image", PHOTO), content_type="sticker")
    world.work_until_done()
    assert (world.said(), world.ears.fetched) == (["Re: [a sticker]"], [])


# -- when it cannot be understood -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        [""],
        [GiveUp("no such format", reason="model_request_refused")],
        [RetryLater("down", reason="model_unavailable")] * 2,
    ],
    ids=["nothing was said", "refused", "down"],
)
def test_a_voice_note_that_nobody_understands_is_asked_about_kindly(
    world: World, said: list[str | Exception]
) -> None:
    """In the company's language, without the model; one that is down is tried twice."""
    world.ears.says.extend(said)
    world.customer_sends(attachment("audio", VOICE))
    world.work_until_done()
    assert world.said() == [WORDS_TEXTS["es"]]
    assert world.mind.asked == []
    assert len(world.ears.asked) == len(said)


@pytest.mark.parametrize(("reason", "told"), [("model_denied", 1), ("model_request_refused", 0)])
def test_the_operator_learns_of_what_only_the_operator_can_mend(
    world: World, capsys: pytest.CaptureFixture[str], reason: str, told: int
) -> None:
    """Customers are asked for words, so that nobody else would notice."""
    world.ears.says.append(GiveUp("no", reason=reason))
    world.customer_sends(attachment("audio", VOICE))
    world.work_until_done()
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert len([one for one in metrics if "TranscriptionsRefused" in one]) == told


def test_a_second_one_in_a_row_goes_to_a_person(world: World) -> None:
    """Asking again and again helps nobody."""
    for number in (70011, 70100):
        world.ears.says.append("")
        world.customer_sends(attachment("audio", VOICE), message_id=number)
        world.work_until_done()
    assert world.said()[0] == WORDS_TEXTS["es"]
    assert world.chatwoot.statuses == {214: "pending"}
    assert "two voice messages in a row" in world.chatwoot.notes(214)[0]


@pytest.mark.parametrize("between", ["words", "a day"])
def test_one_that_comes_after_words_or_much_later_is_asked_about_again(world: World, between: str) -> None:
    """It is not the second in a row."""
    for number in (70011, 70100):
        world.ears.says.append("")
        world.customer_sends(attachment("audio", VOICE), message_id=number)
        world.work_until_done()
        if between == "words":
            world.customer_writes("vale, escribo", number + 10)
            world.work_until_done()
        world.clock.advance(60 if between == "words" else 25 * 3600)
    assert world.said().count(WORDS_TEXTS["es"]) == 2
    assert world.chatwoot.statuses == {}


def test_the_first_contact_learns_that_a_machine_asks(table: Table) -> None:
    """And a company may ask in words of its own."""
    media = {"ask_for_words": {"es": "¿Por escrito?"}}
    world = World(table, {"disclosure": {"enabled": True}, "media": media})
    world.customer_sends(attachment("audio", VOICE))
    world.work_until_done()
    assert world.said()[0].startswith("Soy un asistente virtual automático.")
    assert world.said()[0].endswith("¿Por escrito?")


def test_a_voice_note_that_nobody_understands_beside_words_is_left_to_the_model(world: World) -> None:
    """It answers the words and asks for the rest."""
    world.ears.says.append("")
    world.customer_sends(attachment("audio", VOICE), text="hola")
    world.work_until_done()
    assert world.said() == ["Re: hola [a voice message that could not be understood]"]
    assert any("ask kindly" in note for note in world.mind.asked[0].context.notes)


@pytest.mark.parametrize("reason", ["not_found", "too_large", "address_refused", "timeout"])
def test_a_file_that_cannot_be_had_stops_no_turn(world: World, reason: str) -> None:
    """The model is told."""
    world.ears.files[PHOTO] = FileUnavailable(reason)
    world.customer_sends(attachment("image", PHOTO), text="¿y esto?")
    world.work_until_done()
    assert world.said() == ["Re: ¿y esto? [a picture that could not be opened]"]
    assert kept(world)[0]["why"] == reason


@pytest.mark.parametrize(
    "sent",
    [attachment("image"), attachment("image", PHOTO, file_size=9 * 1024 * 1024)],
    ids=["no url", "9 MB"],
)
def test_a_file_that_is_told_to_be_too_large_or_nowhere_is_not_even_asked_for(
    world: World, sent: dict[str, Any]
) -> None:
    """Nothing would come of it."""
    world.customer_sends(sent, text="¿y esto?")
    world.work_until_done()
    assert world.ears.fetched == []
    assert len(world.said()) == 1


def test_only_files_of_young_messages_are_waited_for(world: World) -> None:
    """Later ones were deleted."""
    world.customer_sends(attachment("image", PHOTO))
    world.clock.advance(200)
    world.work_until_done()
    assert [one.young for one in world.ears.fetched] == [False]


# -- budgets ----------------------------------------------------------------------------------------------


def test_a_turn_opens_four_pictures_and_three_voice_notes_and_says_what_it_left(world: World) -> None:
    """A customer may send a whole album."""
    world.ears.says.extend("abcd")
    for number in range(6):
        world.customer_sends(
            attachment("image", PHOTO), attachment("audio", VOICE), message_id=70011 + number
        )
    world.work_until_done()
    assert len(world.mind.asked[0].pictures) == 4
    assert len(world.ears.asked) == 3
    assert world.said()[0].count("[a picture that was not opened]") == 2
    assert world.said()[0].count("[a voice message that was not opened]") == 3
    assert any("not opened all" in note for note in world.mind.asked[0].context.notes)


def test_pictures_of_one_turn_are_bounded_together(world: World) -> None:
    """Ten turns share one process's memory."""
    world.ears.files[PHOTO] = files.PNG + bytes(3 * 1024 * 1024)
    world.customer_sends(*[attachment("image", PHOTO, file_size=None)] * 3)
    world.work_until_done()
    assert [one["as"] for one in kept(world)] == ["picture", "picture", "skipped"]


def test_listening_leaves_half_of_the_time_for_thinking(world: World) -> None:
    """And at most 40 seconds of a turn."""
    world.customer_sends(attachment("image", PHOTO))
    world.work_until_done()
    assert world.ears.fetched[0].seconds == 25
    short = World(world.table, settings=TurnSettings(pace_seconds=0, turn_seconds=30))
    short.ears.files[PHOTO] = files.PNG
    short.customer_sends(attachment("image", PHOTO), message_id=80_000)
    short.work_until_done()
    assert short.ears.fetched[0].seconds == 5


# -- once ---------------------------------------------------------------------------------------------------


def test_a_turn_that_is_run_again_neither_fetches_nor_transcribes_again(world: World) -> None:
    """A picture is fetched again only for a model that is really asked."""
    world.ears.says.append("hola")
    world.customer_sends(attachment("audio", VOICE), attachment("image", PHOTO))
    failures = [RetryLater("busy", reason="model_busy")]

    def answer(question: str) -> Any:  # noqa: ANN401 - an AgentResponse
        if failures:
            raise failures.pop()
        return first(question)

    first, world.mind.answer = world.mind.answer, answer
    world.work_until_done()
    assert world.said() == ["Re: [voice message, transcript] hola [a picture]"]
    assert len(world.ears.asked) == 1
    assert [one.url for one in world.ears.fetched] == [VOICE, PHOTO, PHOTO]
    assert world.mind.asked[1].pictures == (Picture("image/png", files.PNG),)


def test_a_worker_that_dies_after_hearing_leaves_the_words_to_the_next(world: World) -> None:
    """Between the transcription and the model's answer."""
    world.ears.says.append("hola")
    world.customer_sends(attachment("audio", VOICE))
    deaths = [KeyError("killed")]

    def think() -> None:
        if deaths:
            raise deaths.pop()

    world.mind.while_thinking = think
    world.work_until_done()
    assert world.said() == ["Re: [voice message, transcript] hola"]
    assert len(world.ears.asked) == 1


def test_what_failed_in_passing_is_tried_again_when_the_turn_is(world: World) -> None:
    """The provider was down for both."""
    down = [RetryLater("down", reason="model_unavailable")] * 2
    world.ears.says.extend([*down, "hola"])
    world.customer_sends(attachment("audio", VOICE), text="buenas")
    failures = [RetryLater("down", reason="model_unavailable")]

    def answer(question: str) -> Any:  # noqa: ANN401 - an AgentResponse
        if failures:
            raise failures.pop()
        return first(question)

    first, world.mind.answer = world.mind.answer, answer
    world.work_until_done()
    assert world.said() == ["Re: buenas [voice message, transcript] hola"]


def test_a_worker_that_lost_the_conversation_while_it_listened_writes_nothing(world: World) -> None:
    """Whoever took it up heard it as well."""
    world.ears.says.extend(["hola", "hola"])
    world.customer_sends(attachment("audio", VOICE))
    overtaken: list[bool] = []

    def overtake() -> None:
        if not overtaken:
            overtaken.append(True)
            world.table.update(world.key().head(), "ADD fence :one", values={":one": 1})

    world.ears.while_hearing = overtake
    world.work_until_done()
    assert world.said() == ["Re: [voice message, transcript] hola"]
    assert len(world.ears.asked) == 2


def test_a_message_that_is_taken_back_while_it_is_heard_stays_gone(world: World) -> None:
    """Its words are not written back."""
    world.ears.says.append("mejor no")
    world.customer_sends(attachment("audio", VOICE))

    def take_back() -> None:
        event = parse(webhooks.message_created("", content_attributes={"deleted": True}))
        assert event is not None
        assert event.message is not None
        world.people.deleted(world.key(), event.conversation, event.message, world.clock.now())

    world.ears.while_hearing = take_back
    world.work_until_done()
    assert world.said() == []
    item = world.table.get(world.key().inbox(70011), consistent=True) or {}
    assert "message" not in item


def test_the_newest_words_of_a_discarded_turn_are_heard_once(world: World) -> None:
    """The customer went on writing: another turn answers the same voice note."""
    world.companies.connections["sol"] = LISTING
    world.ears.says.append("hola")
    world.customer_sends(attachment("audio", VOICE))

    def goes_on() -> None:
        if not world.chatwoot.others:
            world.chatwoot.others.append(shown(70100, content="¿y?"))
            world.customer_writes("¿y?", 70100)

    world.mind.while_thinking = goes_on
    world.work_until_done()
    assert world.said() == ["Re: [voice message, transcript] hola\n¿y?"]
    assert len(world.ears.asked) == 1


# -- content that comes later -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (shown(content="hola"), "hola"),
        (shown(attachments=[attachment("image", PHOTO)]), "[a picture]"),
        (
            shown(content_attributes={"is_unsupported": True}),
            "[a message of a kind that this channel does not show]",
        ),
        (shown(attachments="none"), "[an empty message]"),
    ],
)
def test_a_message_without_content_is_looked_up_again(world: World, found: ApiMessage, told: str) -> None:
    """Facebook's and Instagram's come before their attachments."""
    world.companies.connections["sol"] = LISTING
    world.chatwoot.others.append(found)
    world.customer_sends()
    world.work_until_done()
    assert world.said() == [f"Re: {told}"]


def test_content_that_is_late_is_waited_for_a_few_seconds(world: World) -> None:
    """Twice; then the message is answered as it is."""
    world.companies.connections["sol"] = LISTING
    world.customer_sends()
    world.work_until_done()
    assert world.chatwoot.list_calls == 3  # and once before the reply
    assert world.said() == ["Re: [an empty message]"]


@pytest.mark.parametrize("way", ["may not list", "is down"])
def test_a_message_that_cannot_be_looked_up_is_told_as_empty(world: World, way: str) -> None:
    """A bot's token may not list."""
    if way == "is down":
        world.companies.connections["sol"] = LISTING
    world.chatwoot.can_list = False
    world.customer_sends()
    world.work_until_done()
    assert world.said() == ["Re: [an empty message]"]


def test_a_transcript_of_chatwoots_own_is_taken(world: World) -> None:
    """Where it is there already; it is never waited for."""
    world.customer_sends(attachment("audio", VOICE, transcribed_text="hola"))
    world.work_until_done()
    assert world.said() == ["Re: [voice message, transcript] hola"]
    assert world.ears.fetched == []


def test_where_a_person_is_in_charge_nothing_is_fetched(world: World) -> None:
    """It is none of the desk's business then."""
    world.person_writes("Le atiende Rosa", 70010)
    world.customer_sends(attachment("audio", VOICE))
    world.work_until_done()
    assert (world.said(), world.ears.fetched) == ([], [])


def test_a_company_that_only_watches_hears_as_well(table: Table) -> None:
    """So that it sees what the desk would say."""
    world = World(table, {"mode": "shadow"})
    world.ears.files[VOICE] = files.OGG
    world.ears.says.append("hola")
    world.customer_sends(attachment("audio", VOICE))
    world.work_until_done()
    assert (world.said(), len(world.mind.asked)) == ([], 1)
