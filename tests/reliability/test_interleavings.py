"""Any interleaving of workers, crashes, duplicates, people and a clock that jumps: each message once.

Hypothesis draws the steps; a failing run is printed as code, with the seed that repeats it.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.agent.model_client import ModelAnswer
from shared.conversations.keys import turn_prefix
from tests.reliability.effects import Fault, Recorder
from tests.reliability.scene import Run, Scene

RUNS = 2_000
FIRST_ID = 70_000


def _nothing(_: Run) -> None:
    """Nothing happened before, and nothing is judged here."""


class Conversation(RuleBasedStateMachine):
    """One conversation, one queue, and workers that die whenever it hurts."""

    def __init__(self) -> None:
        super().__init__()
        self.recorder = Recorder()
        self.run = Run(
            Scene("any", (ModelAnswer("test", "finished", "ok"),), _nothing, _nothing), self.recorder
        )
        self.written: list[int] = []
        self.next_id = FIRST_ID

    @rule(gap=st.integers(1, 3))
    def the_customer_writes(self, gap: int) -> None:
        """A new fragment."""
        self.next_id += gap
        self.written.append(self.next_id)
        self.run.world.customer_writes(f"№{self.next_id}", self.next_id)

    @precondition(lambda self: self.written)
    @rule(back=st.integers(0, 3), copy=st.integers(0, 10**6))
    def a_message_comes_again(self, back: int, copy: int) -> None:
        """A redriven or swept copy under another identity."""
        number = self.written[max(0, len(self.written) - 1 - back)]
        message = self.run.world.message(f"№{number}", number)
        self.run.world.queue.put(message.to_json(), message.key.group_id, f"copy-{number}-{copy}")

    @precondition(lambda self: self.written)
    @rule()
    def an_older_message_arrives_late(self) -> None:
        """Chatwoot promises no order."""
        number = self.written[-1] - 1
        if number not in self.written and number > FIRST_ID:
            self.written.append(number)
            self.run.world.customer_writes(f"№{number}", number)

    @rule(at=st.integers(0, 40), fault=st.sampled_from([None, *Fault]))
    def a_worker_comes(self, at: int, fault: Fault | None) -> None:
        """An invocation in which one effect goes wrong."""
        self.recorder.names.clear()
        self.recorder.fault_at, self.recorder.fault = at, fault
        for queue, handle in (
            (self.run.world.queue, self.run._visit),
            (self.run.world.dead_letters, self.run._take),
        ):
            self.run._invoke(queue, handle)
        self.recorder.fault_at = -1

    @rule(seconds=st.sampled_from([1, 4, 12, 46, 130, 800]))
    def time_passes(self, seconds: int) -> None:
        """Also more than a lease, a settle time, the queue's own visibility."""
        self.run.world.clock.advance(seconds)

    @invariant()
    def nothing_is_said_twice(self) -> None:
        """At no time does the customer read two copies of one part."""
        markers = [one.attributes["frontdesk"]["marker"] for one in self.run.world.chatwoot.posted]
        assert len(markers) == len(set(markers))

    def teardown(self) -> None:
        """In the end nothing waits, no turn is open, and every message was taken by exactly one turn."""
        self.recorder.fault = None
        self.run.play()
        if not self.written:
            return
        table, key = self.run.world.table, self.run.world.key()
        items = [table.get(key.inbox(number)) or {} for number in self.written]
        assert all(item.get("answered_in") for item in items), items
        assert self.run.world.head()["turn"] == 0
        given_up = {turn_prefix(item["answered_in"]) for item in items if item["outcome"] == "given_up"}
        for item in table.query(key.pk, prefix="turn#"):
            # A turn that is given up leaves what is not certain as it is; any other has settled everything.
            if "#part#" in item["sk"] and not item["sk"].startswith(tuple(given_up)):
                assert item["state"] in {"SENT", "NOT_SENT"}, item


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=RUNS,
    stateful_step_count=12,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
