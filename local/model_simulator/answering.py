"""Thinks of an answer: matches the words of each question with what stands in the prompt."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from local.model_simulator import phrases
from local.model_simulator.appointments import talking
from local.model_simulator.phrases import subject
from local.model_simulator.reading import Element, elements, first, fit, sentences

MAX_SERVICES = 5
MAX_EXCERPT = 400


@dataclass(frozen=True)
class Asked:
    """A request, whichever API it came over.

    Args:
        prompt: everything that was sent as text.
        tools: argument schemas by tool name; empty when no tool may be called.
        outputs: what tools have answered in this turn: name and text.
        schema: the shape the answer must have, if any.
        seen: what the pictures show.
    """

    prompt: str
    tools: dict[str, dict[str, Any]]
    outputs: list[tuple[str, str]]
    schema: dict[str, Any] | None
    seen: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    """Wants a tool to run."""

    name: str
    arguments: str


def think(asked: Asked) -> str | Call:
    """The text of an answer, or a tool call."""
    question = "\n".join([first(asked.prompt, "customer_writes").text, *asked.seen])
    if asked.schema is not None:
        return _structured(asked, question)
    language = phrases.language_of(question, first(asked.prompt, "company")["language"])
    about_times = talking.talk(asked.prompt, asked.tools, asked.outputs, question, language)
    return _think(asked, question, language) if about_times is None else _said_or_called(about_times)


def _said_or_called(about_times: str | talking.Wanted) -> str | Call:
    if isinstance(about_times, str):
        return about_times
    return Call(about_times.name, json.dumps(about_times.arguments))


def _think(asked: Asked, question: str, language: str) -> str | Call:
    said, can = phrases.PHRASES[language], set(asked.tools) - {name for name, _ in asked.outputs}
    wants_person = any(phrases.wants_person(one) for one in sentences(question))
    if wants_person and "hand_over" in can:
        return _call("hand_over", asked, question)
    answers = [_answer(asked, one, language) for one in sentences(question)]
    missing = [one for one, answer in zip(sentences(question), answers, strict=True) if answer is None]
    looked_up = " ".join(word for one in missing for word in subject(one))
    if looked_up and not wants_person and "search_knowledge" in can:
        return _call("search_knowledge", asked, looked_up)
    known = list(dict.fromkeys(answer for answer in answers if answer))
    if wants_person:
        return " ".join([*known, said["person"]])
    if looked_up:
        known.append(said["unknown"])
    return "\n".join(known) or said["thanks" if phrases.says("thanks", question) else "greeting"]


def _call(name: str, asked: Asked, text: str) -> Call:
    """A call with the text in every argument that is required."""
    return Call(name, json.dumps(dict.fromkeys(asked.tools[name].get("required", []), text[:300])))


def _structured(asked: Asked, question: str) -> str:
    """The choice, among the schema's, whose description shares most words with the question."""
    properties = (asked.schema or {}).get("properties", {})
    about = {agent["name"]: f"{agent['name']} {agent.text}" for agent in elements(asked.prompt, "agent")}

    def likeness(option: str) -> int:
        return fit(subject(question), about.get(option, option))

    return json.dumps({name: max(one["enum"], key=likeness) for name, one in properties.items()})


def _answer(asked: Asked, question: str, language: str) -> str | None:
    """The answer to one sentence; empty when it asks nothing, ``None`` when nothing in the prompt fits."""
    about, services = subject(question), elements(asked.prompt, "service")
    if phrases.wants_person(question):
        return ""
    if phrases.says("asks_hours", question):
        hours = first(asked.prompt, "opening_hours").text
        return f"{phrases.PHRASES[language]['hours']}\n{phrases.week_in(language, hours)}"
    if not about and not (phrases.says("asks_price", question) or phrases.says("asks_duration", question)):
        return ""
    named = _best(services, [fit(about, service["name"]) for service in services]) if about else services
    if named:
        return "\n".join(_describe(service, question, language) for service in named[:MAX_SERVICES])
    found = _from_knowledge(asked, about)
    return "" if found is None and phrases.says("introduces", question) else found


def _best(candidates: list[Element], scores: list[int]) -> list[Element]:
    top = max(scores, default=0)
    return [one for one, score in zip(candidates, scores, strict=True) if top and score == top]


def _describe(service: Element, question: str, language: str) -> str:
    texts, asks_duration = phrases.PHRASES[language], phrases.says("asks_duration", question)
    note = f" ({service['price_note']})" if service["price_note"] else ""
    form = texts["price" if service["price"] else "no_price"]
    price = form.format(name=service["name"], price=service["price"], note=note)
    minutes = re.match(r"\d+", service["duration"])
    duration = texts["duration"].format(minutes=minutes[0]) if minutes else ""
    if phrases.says("asks_price", question) and not asks_duration:
        return price
    return " ".join(part for part in (price, duration, "" if asks_duration else service.text) if part)


def _from_knowledge(asked: Asked, about: list[str]) -> str | None:
    texts = [(entry["question"], entry.text) for entry in elements(asked.prompt, "entry")]
    for page in elements(asked.prompt, "page"):
        texts += [(page["title"], part) for part in re.split(r"\n\s*\n", page.text)]
    texts += [(service["name"], service.text) for service in elements(asked.prompt, "service")]
    for name, output in asked.outputs:
        if name == "search_knowledge":
            texts += [(one["title"], one["text"]) for one in _passages(output)]
    scored = [(2 * fit(about, title) + fit(about, text), text) for title, text in texts if text.strip()]
    score, text = max(scored, key=lambda one: one[0], default=(0, ""))
    return text.strip()[:MAX_EXCERPT] if score else None


def _passages(output: str) -> list[dict[str, str]]:
    try:
        found: list[dict[str, str]] = json.loads(output).get("passages", [])
    except ValueError:
        return []  # cut because it was too long
    return found
