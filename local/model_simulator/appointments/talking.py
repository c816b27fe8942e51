"""Carries a conversation about times: which tool a customer's words want, and what its result means in words.

What the tools are for is seen by their names; the words are of the language (``words.json``). What was asked
before is read in the history, as a model does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from local.model_simulator import phrases
from local.model_simulator.appointments.telling import BOOK, CANCEL, LIST, LOOK, MOVE, tell
from local.model_simulator.phrases import PHRASES, says, subject
from local.model_simulator.reading import elements, fit

_OFFERED_DAY = re.compile(r"^\W*(\w.*?\d{4}): ((?:\d\d:\d\d(?:, )?)+)", re.MULTILINE)
_CLOCK = re.compile(r"\d")


@dataclass(frozen=True)
class Wanted:
    """A tool to call, with its arguments."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Talk:
    """One turn of such a conversation.

    Args:
        prompt: everything that was sent.
        tools: argument schemas by tool name.
        outputs: what tools have answered in this turn.
        question: what the customer writes.
        language: to answer in.
    """

    prompt: str
    tools: dict[str, dict[str, Any]]
    outputs: list[tuple[str, str]]
    question: str
    language: str

    def next(self) -> str | Wanted | None:
        """What to say or call; ``None`` where the talk is of something else."""
        ours = [(name, text) for name, text in self.outputs if _is_ours(name)]
        if ours:
            return tell(*ours[-1], self.language)
        if self._tool(LOOK) is None:
            return None
        return self._answer_to_question() or self._wish()

    def _answer_to_question(self) -> str | Wanted | None:
        """What follows on something that the desk asked."""
        kind = self._was_asked("confirm_")
        if kind and says("refuses", self.question) and not _CLOCK.search(self.question):
            return PHRASES[self.language]["dropped"]
        if kind and says("agrees", self.question) and not _CLOCK.search(self.question):
            return self._call(kind, confirmed=True)
        if self._changes():
            return None
        waiting = self._was_asked("which_time_")
        if waiting == MOVE:
            return self._call(MOVE, when=self.question)
        offered = _OFFERED_DAY.findall(self._desk_said())
        if _CLOCK.search(self.question) and (offered or waiting or kind == BOOK):
            return self._call(BOOK, when=self._with_day(offered), service=self._service())
        return None

    def _wish(self) -> Wanted | None:
        question = self.question
        if says("asks_price", question) or says("asks_hours", question):
            return None
        if says("cancels", question):
            return self._call(CANCEL, which=question)
        if says("moves", question):
            return self._call(MOVE, when=question)
        if says("asks_time", question):
            return self._call(LIST) if says("own", question) else self._look()
        return self._look() if says("days", question) and _CLOCK.search(question) else None

    def _look(self) -> Wanted | None:
        return self._call(LOOK, when=self.question, service=self._service())

    def _changes(self) -> bool:
        return says("cancels", self.question) or says("moves", self.question)

    def _call(self, kind: str, *, confirmed: bool = False, **given: str | None) -> Wanted | None:
        name = self._tool(kind)
        if name is None:
            return None
        known = {"confirmed": confirmed, **given}
        return Wanted(name, {one: known.get(one) for one in self.tools[name].get("properties", {})})

    def _tool(self, kind: str) -> str | None:
        return next((name for name in self.tools if kind in name), None)

    def _desk_said(self) -> str:
        said = [one.text for one in elements(self.prompt, "message") if one["from"] == "you"]
        return said[-1] if said else ""

    def _was_asked(self, prefix: str) -> str:
        """Which of the stand-in's own questions of a sort the desk asked last; it is one of its phrases."""
        last = self._desk_said()
        for known in PHRASES.values():
            for name, text in known.items():
                if name.startswith(prefix) and text.partition("{")[0] in last:
                    return name.removeprefix(prefix)
        return ""

    def _with_day(self, offered: list[tuple[str, str]]) -> str:
        """The customer's words, with the day that was being spoken of where they name none."""
        spoken_of = re.search(r": ([^:\n]*?\d{4})", self._desk_said())
        if says("days", self.question) or not (offered or spoken_of):
            return self.question
        if not offered:
            return f"{spoken_of[1] if spoken_of else ''} {self.question}"
        clock = re.search(r"\d{1,2}(?::\d\d)?", self.question)
        wanted = f"{clock[0].partition(':')[0]:>02}:" if clock else ""
        day = next((day for day, times in offered if wanted in times), offered[0][0])
        return f"{day} {self.question}"

    def _service(self) -> str | None:
        """The service that was spoken of last."""
        said = [one.text for one in elements(self.prompt, "message") if one["from"] == "customer"]
        names = [one["name"] for one in elements(self.prompt, "service")]
        for text in (self.question, *reversed(said)):
            scores = [fit(subject(text), name) for name in names]
            if max(scores, default=0):
                return names[scores.index(max(scores))]
        return None


def _is_ours(name: str) -> bool:
    return any(kind in name for kind in (LOOK, BOOK, LIST, MOVE, CANCEL))


def talk(
    prompt: str,
    tools: dict[str, dict[str, Any]],
    outputs: list[tuple[str, str]],
    question: str,
    language: str,
) -> str | Wanted | None:
    """See `Talk`."""
    return None if phrases.wants_person(question) else Talk(prompt, tools, outputs, question, language).next()
