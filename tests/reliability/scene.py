"""The scenes of the crash matrix: turns with everything in them, run until nothing is left to do."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from shared.agent.appointments.desk import make_appointment_desk
from shared.agent.model_client import ModelAnswer, ToolCall
from shared.agent.orchestrator import Orchestrator
from shared.agent.tools import hand_over
from shared.agent.tools.registry import ToolRegistry, calendar_tools
from shared.agent.tools.tool import Tool, ToolArguments, ToolContext, ToolResult
from shared.calendars.making import make_calendars
from shared.conversations.dead_letters import DeadLetterOffice
from shared.conversations.listening import Ears
from shared.conversations.worker import Worker, _by_conversation
from shared.platform.clock import Deadline
from shared.platform.errors import GiveUp
from tests.fakes.calendar import FakeCalendars
from tests.fakes.ears import attachment
from tests.fakes.table import MemoryTable
from tests.reliability.effects import Death, Fault, Recorded, Recorder
from tests.reliability.mailing import TOLD, Mailing
from tests.reliability.reminding import Reminding
from tests.support import files
from tests.support.bookings import DOCUMENT
from tests.support.desk import CONNECTION, World
from tests.support.simulated_chatwoot import SimulatedChatwoot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.agent.media.transcription import Transcriber
    from shared.agent.model_client import ModelRequest
    from shared.chatwoot.client import ChatwootClient
    from shared.companies.calendars import CalendarSettings
    from shared.platform.queue_records import QueueRecord
    from tests.fakes.fifo import FakeFifoQueue

TABLE = {name: name.replace("_", " ") for name in ("put", "put_many", "update", "delete", "transact")}
QUEUE = {"delete": "delete", "hide": "hide", "send_case": "send case"}
CHATWOOT = {"post_message": "post", "set_status": "set status", "unassign": "unassign"}
PART_ONE, PART_TWO = "uno " * 900, "dos " * 900
LONG_REPLY = f"{PART_ONE}\n\n{PART_TWO}"
SECONDS = 110.0
MOST_INVOCATIONS = 300


class BookArguments(ToolArguments):
    """What to book."""

    hour: str


@dataclass
class Diary:
    """A tool that acts: it keeps bookings by the key of the call that made them."""

    bookings: dict[str, str] = field(default_factory=dict)

    def book(self, arguments: BookArguments, context: ToolContext) -> ToolResult:
        """Book, once per key."""
        self.bookings.setdefault(context.call_key, arguments.hour)
        return ToolResult({"booked": arguments.hour})


class RecordedVendor:
    """A vendor of calendars whose effects are recorded.

    Args:
        vendor: the fake.
        recorder: who numbers them.
    """

    def __init__(self, vendor: FakeCalendars, recorder: Recorder) -> None:
        self._recorded = Recorded(vendor, "calendar", {"create": "create"}, recorder)

    def of(self, company_id: str, calendar: CalendarSettings) -> Any:  # noqa: ANN401 - a provider
        """See `CalendarProviders`."""
        del company_id, calendar
        return self._recorded


@dataclass
class ScriptedModel:
    """Answers the n-th round of every turn with the n-th line of its script; an exception is raised."""

    script: list[ModelAnswer | Exception]

    def answer(self, request: ModelRequest, *, timeout_seconds: float) -> ModelAnswer:
        """See `ModelClient`."""
        assert timeout_seconds > 0
        done = sum(isinstance(one, ModelAnswer) for one in request.rounds)
        line = self.script[done]
        if isinstance(line, Exception):
            raise line
        return line


def said(text: str) -> ModelAnswer:
    """The model says something."""
    return ModelAnswer("test", "finished", text)


def called(name: str, /, **arguments: str | bool | None) -> ModelAnswer:
    """The model calls a tool."""
    return ModelAnswer("test", "finished", "", (ToolCall("call-1", name, json.dumps(arguments)),))


@dataclass(frozen=True)
class Scene:
    """One scene.

    Args:
        name: what happens in it.
        script: the model's rounds.
        prepare: what happened before its first effect that counts.
        right: complains about everything that is not as it must be in the end.
        document: changes to the company's document.
    """

    name: str
    script: tuple[ModelAnswer | Exception, ...]
    right: Callable[[Run], None]
    prepare: Callable[[Run], None]
    document: dict[str, Any] = field(default_factory=dict)


class Run:
    """A scene with one fault in it.

    Args:
        scene: the scene.
        recorder: numbers the effects and plays the fault.
        simulated: whether Chatwoot is the simulator behind our own client, or a quick fake in memory.
    """

    def __init__(self, scene: Scene, recorder: Recorder, *, simulated: bool = False) -> None:
        self.scene, self.recorder, self.diary = scene, recorder, Diary()
        self.world = World(MemoryTable(), scene.document)
        self.calendars, self.vendor = MemoryTable(), FakeCalendars()
        table: Any = Recorded(self.world.table, "dynamodb", TABLE, recorder)
        model: Any = Recorded(ScriptedModel(list(scene.script)), "model", {"answer": "answer"}, recorder)
        account: Any = self._simulated() if simulated else self.world.chatwoot
        chatwoot: Any = Recorded(account, "chatwoot", CHATWOOT, recorder)
        orchestrator = Orchestrator(model, ToolRegistry(self._tools()), self.world.clock)

        @contextmanager
        def lend() -> Iterator[Orchestrator]:
            yield orchestrator

        self.mailing = Mailing(self.world, recorder)
        desk = replace(
            self.world.desk,
            table=table,
            chatwoot=lambda *_: chatwoot,
            mind=lend,
            ears=self._ears(recorder),
            staff=self.mailing.staff,
        )
        queue: Any = Recorded(self.world.queue, "sqs", QUEUE, recorder)
        letters: Any = Recorded(self.world.dead_letters, "sqs", QUEUE, recorder)
        self.worker = Worker(desk, queue, letters, self._must_not_leave)
        self.office = DeadLetterOffice(desk, letters)
        self.reminding = Reminding(self.world, recorder)
        desk = replace(desk, reminders=self.reminding.desk)
        self.worker = Worker(desk, queue, letters, self._must_not_leave)
        recorder.meanwhile = self._deliver_again
        self._batch: list[QueueRecord] = []
        self._handle: Callable[[list[QueueRecord]], list[str]] = self._visit
        recorder.quiet = True
        scene.prepare(self)
        recorder.quiet = False

    def _simulated(self) -> ChatwootClient:
        self.simulator = SimulatedChatwoot(self.world.clock)
        self.world.chatwoot = self.simulator  # type: ignore[assignment]
        self.world.companies.connections["sol"] = replace(
            CONNECTION, user_id=self.simulator.user_id, capabilities={"list_messages": True}
        )
        return self.simulator.client

    def _tools(self) -> list[Tool[Any]]:
        table: Any = Recorded(self.calendars, "dynamodb", TABLE, self.recorder)
        vendor: Any = RecordedVendor(self.vendor, self.recorder)
        clock = self.world.clock
        desk = make_appointment_desk(make_calendars(table, vendor, clock), table, clock)
        return [hand_over.TOOL, self._book(), *calendar_tools(desk)]

    def _book(self) -> Tool[BookArguments]:
        effect = Recorded(self.diary, "tool", {"book": "book"}, self.recorder)
        return Tool("book", "Books.", BookArguments, "write", effect.book, everywhere=True)

    def _ears(self, recorder: Recorder) -> Ears:
        transcriber: Any = Recorded(self.world.ears, "model", {"transcribe": "transcribe"}, recorder)

        @contextmanager
        def lend() -> Iterator[Transcriber]:
            yield transcriber

        return Ears(self.world.ears.ears().downloads, lend)

    @staticmethod
    def _must_not_leave() -> None:
        raise AssertionError("no scene is so slow")

    def play(self) -> None:
        """Until both queues are empty, whatever dies on the way."""
        for _ in range(MOST_INVOCATIONS):
            queues = ((self.world.queue, self._visit), (self.world.dead_letters, self._take))
            due = [
                (wait, queue, handle)
                for queue, handle in queues
                if (wait := queue.next_visible_in()) is not None
            ]
            round_in = self.reminding.next_in()
            if round_in is not None and (not due or round_in <= min(wait for wait, *_ in due)):
                self.world.clock.advance(round_in)
                self._batch, self._handle = [], self.reminding.round
                self.reminding.round([])
                continue
            if not due:
                return
            wait, queue, handle = min(due, key=lambda one: one[0])
            self.world.clock.advance(wait)
            self._invoke(queue, handle)
        raise AssertionError("it never ends")

    def _invoke(self, queue: FakeFifoQueue, handle: Callable[[list[QueueRecord]], list[str]]) -> None:
        self._batch = queue.receive()
        self._handle = handle
        try:
            staying = handle(self._batch)
        except Death:
            if self.recorder.fault is Fault.REDRIVE:
                for number, record in enumerate(self._batch):
                    queue.put(record.body, f"redriven-{number}", f"redriven-{number}")
            return
        queue.finish(self._batch, staying)

    def _visit(self, batch: list[QueueRecord]) -> list[str]:
        conversations, unreadable = _by_conversation(batch)
        staying = [record.sqs_id for record in unreadable]
        for key, letters in conversations.items():
            time_left = Deadline(self.world.clock, SECONDS)
            staying += self.worker._visit(key, letters, time_left, batch_full=False)
        return staying

    def _take(self, batch: list[QueueRecord]) -> list[str]:
        return self.office.take_all(batch, lambda: SECONDS)

    def _deliver_again(self) -> None:
        """The same batch reaches another process in the middle of this one."""
        self._handle(self._batch)


# -- the scenes -----------------------------------------------------------------------------------------


def _a_question(run: Run) -> None:
    run.world.customer_writes("¿tienen cita mañana?", 70011)


def _a_voice_note_and_a_picture(run: Run) -> None:
    ears = run.world.ears
    ears.files |= {"https://a.example/voice": files.OGG, "https://a.example/photo": files.PNG}
    ears.says.extend(["¿tienen cita mañana?"] * 20)
    sent = attachment("audio", "https://a.example/voice"), attachment("image", "https://a.example/photo")
    run.world.customer_sends(*sent)


def _a_failed_part(run: Run) -> None:
    run.world.customer_writes("hola", 70011)
    run.play()
    run.world.part_fails(run.world.chatwoot.posted[0], "131047")


def _a_yes(run: Run) -> None:
    """The first turn proposed, because nothing had been proposed before; the second books."""
    run.world.customer_writes("mañana a las diez, por favor", 70011)
    run.play()
    run.world.customer_writes("sí", run.simulator.customer_writes("sí"))


def _a_reminder_is_due(run: Run) -> None:
    _a_question(run)
    run.play()
    run.reminding.book()


def _reminded(run: Run) -> None:
    run.reminding.check()
    assert _history(run) == ["customer", "desk", "desk"], "the history is wrong"
    _quiet_in_the_end(run)


def _history(run: Run) -> list[str]:
    items = run.world.table.query(run.world.message("", 1).contact.pk, prefix="message#")
    return [item["role"] for item in items]


def _quiet_in_the_end(run: Run) -> None:
    head = run.world.head()
    assert head["turn"] == 0, "a turn is still open"
    assert head["watermark"] >= 70011, "a message is not answered"
    assert not run.world.queue, "the queue is not empty"


def _answered(run: Run) -> None:
    assert [part[:3] for part in run.world.said()] == ["uno", "dos"], f"said {len(run.world.said())} parts"
    assert len(run.diary.bookings) == 1, f"{len(run.diary.bookings)} bookings"
    assert run.world.chatwoot.notes(214) == [], "a note too many"
    assert run.world.dead_letter_items() == [], "given up"
    assert _history(run) == ["customer", "desk", "desk"], "the history is wrong"
    _quiet_in_the_end(run)


def _mailed(run: Run, *templates: str) -> None:
    """Staff was told once, whatever happened, and the e-mail's worker was called."""
    mails = run.mailing.mails()
    assert len(mails) < 2, f"{len(mails)} e-mails: too many"
    assert mails, "staff was told nothing"
    assert mails[0] in templates, f"another e-mail was written: {mails[0]}"
    assert run.mailing.forgotten() == 0, "an e-mail was written and not queued"
    assert not run.world.head()["owed"], "an e-mail is still owed"


def _handed_over(run: Run) -> None:
    assert run.world.said() == ["Le paso con Rosa."], f"said {run.world.said()}"
    _mailed(run, "hand_over_notice")
    assert len(run.world.chatwoot.notes(214)) == 1, f"{len(run.world.chatwoot.notes(214))} notes"
    assert run.world.chatwoot.statuses == {214: "pending"}, "the status is wrong"
    assert run.world.dead_letter_items() == [], "given up"
    assert _history(run) == ["customer", "desk"], "the history is wrong"
    _quiet_in_the_end(run)


def _heard_and_answered(run: Run) -> None:
    assert run.world.said() == ["Sí, a las diez."], f"said {run.world.said()}"
    items = run.world.table.query(run.world.message("", 1).contact.pk, prefix="message#")
    told = [item["text"] for item in items if item["role"] == "customer"]
    assert told == ["[voice message, transcript] ¿tienen cita mañana? [a picture]"], "the history is wrong"
    assert run.world.dead_letter_items() == [], "given up"
    _quiet_in_the_end(run)


def _failure_told(run: Run) -> None:
    _mailed(run, "hand_over_notice")
    assert len(run.world.said()) == 1, "something was said again"
    assert len(run.world.chatwoot.notes(214)) == 1, f"{len(run.world.chatwoot.notes(214))} notes"
    assert run.world.chatwoot.statuses == {214: "pending"}, "the status is wrong"
    _quiet_in_the_end(run)


def _booked(run: Run) -> None:
    assert run.world.said() == ["Hecho.", "Hecho."], f"said {run.world.said()}"
    events = run.vendor.standing("ana@g")
    assert len(events) == 1, f"{len(events)} bookings"
    assert len(run.vendor.created) == 1, f"{len(run.vendor.created)} bookings were made"
    standing = [item["status"] for item in run.calendars.scan() if item["sk"] == "appointment"]
    assert standing == ["confirmed"], f"the bookings are {standing}"
    assert run.world.dead_letter_items() == [], "given up"
    _quiet_in_the_end(run)


def _given_up(run: Run) -> None:
    assert len(run.world.said()) == 1, f"said {run.world.said()}"
    assert len(run.world.chatwoot.notes(214)) == 1, f"{len(run.world.chatwoot.notes(214))} notes"
    assert run.world.chatwoot.statuses == {214: "pending"}, "the status is wrong"
    (letter,) = run.world.dead_letter_items()
    assert letter["state"] == "handed_over", f"the dead letter is {letter['state']}"
    # Where telling people in Chatwoot failed at first, they have read that instead.
    _mailed(run, "hand_over_notice", "dead_letter_notice")
    assert not run.world.dead_letters, "the dead-letter queue is not empty"
    _quiet_in_the_end(run)


SCENES = (
    Scene(
        "a tool acts, the reply has two parts",
        (called("book", hour="10:00"), said(LONG_REPLY)),
        _answered,
        _a_question,
    ),
    Scene(
        "the model hands over",
        (called("hand_over", reason="wants Rosa"), said("Le paso con Rosa.")),
        _handed_over,
        _a_question,
        TOLD,
    ),
    Scene(
        "a voice note and a picture are answered",
        (said("Sí, a las diez."),),
        _heard_and_answered,
        _a_voice_note_and_a_picture,
    ),
    Scene(
        "a customer says yes to an appointment",
        (
            called(
                "book_appointment",
                service="Corte",
                when="mañana a las 10",
                zone=None,
                name=None,
                email=None,
                confirmed=True,
            ),
            said("Hecho."),
        ),
        _booked,
        _a_yes,
        DOCUMENT,
    ),
    Scene("a reminder is due", (said("Sí, a las diez."),), _reminded, _a_reminder_is_due),
    Scene("a part failed at its channel", (said("Hola."),), _failure_told, _a_failed_part, TOLD),
    Scene("the turn is given up", (GiveUp("no", reason="model_denied"),), _given_up, _a_question, TOLD),
)
