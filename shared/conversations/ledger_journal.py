"""The mind's journal, kept in the ledger: what was answered and done is never asked or done again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.companies.pulse import MODEL
from shared.platform.observability import log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.agent.values import JsonDict
    from shared.companies.pulse import Pulse
    from shared.conversations.ledger import Ledger
    from shared.platform.tables import Item


class LedgerJournal:
    """See `shared.agent.journal.Journal`.

    Args:
        ledger: the conversation's, with an open turn.
        entries: the turn's items as they were when this attempt began.
        renew: renews the lease; may raise.
        pulse: hears of each answer of the model.
    """

    def __init__(
        self,
        ledger: Ledger,
        entries: dict[str, Item],
        renew: Callable[[], None],
        pulse: Pulse | None = None,
    ) -> None:
        self._pulse = pulse
        self._ledger = ledger
        self._entries = entries
        self._renew = renew

    @property
    def identity(self) -> str:
        """See `shared.agent.journal.Journal`."""
        return self._ledger.key.turn_identity(self._ledger.head.turn)

    def answer(self, step: str) -> JsonDict | None:
        """See `shared.agent.journal.Journal`."""
        return self._read(f"answer#{step}")

    def record_answer(self, step: str, answer: JsonDict) -> None:
        """See `shared.agent.journal.Journal`."""
        self._ledger.write(f"answer#{step}", {"json": json.dumps(answer)})
        if self._pulse is not None:
            self._pulse.worked(self._ledger.key.company_id, MODEL)

    def tool_result(self, step: str, index: int) -> JsonDict | None:
        """See `shared.agent.journal.Journal`."""
        return self._read(f"tool#{step}#{index:03d}")

    def record_tool_result(self, step: str, index: int, result: JsonDict) -> None:
        """See `shared.agent.journal.Journal`."""
        self._ledger.write(f"tool#{step}#{index:03d}", {"json": json.dumps(result)})

    def before_step(self, step: str) -> None:
        """See `shared.agent.journal.Journal`."""
        log.debug("step", step=step)
        self._renew()

    def _read(self, name: str) -> JsonDict | None:
        item = self._entries.get(name)
        recorded: JsonDict | None = None if item is None else json.loads(item["json"])
        return recorded


def tools_that_acted(entries: Mapping[str, Item]) -> list[str]:
    """The names of the tools that changed something in a turn, in order.

    Args:
        entries: the turn's items in the ledger.
    """
    names: dict[str, None] = {}
    for name in sorted(entries):
        kind, _, place = name.partition("#")
        if kind != "tool":
            continue
        step, _, index = place.rpartition("#")
        record, answer = json.loads(entries[name]["json"]), entries.get(f"answer#{step}")
        only_asked = record.get("failed") or record.get("actions")  # what it asks for, we do ourselves
        if record.get("wrote") and not only_asked and answer is not None:
            names[json.loads(answer["json"])["tool_calls"][int(index)]["name"]] = None
    return list(names)
