"""What a tool's result means, in words of a language (``words.json``)."""

from __future__ import annotations

import json
from typing import Any

from local.model_simulator.phrases import PHRASES

# What tools are called after.
LOOK, BOOK, LIST, MOVE, CANCEL = "availability", "book", "my_", "move", "cancel"
_DONE = {"booked", "moved", "cancelled"}
_WRONG_DAY = {"no_such_date", "in_the_past"}


def tell(name: str, text: str, language: str) -> str:
    """A tool's result in words."""
    said = PHRASES[language]
    try:
        result: dict[str, Any] = json.loads(text)
    except ValueError:
        return said["failed"]
    if "appointments" in result and "status" not in result:
        return _listed(said["mine"], result["appointments"]) if result["appointments"] else said["none"]
    status = result.get("status", "")
    if status == "waiting_for_yes":
        return _question(name, result["proposal"], said)
    if status in _DONE:
        return said[status].format(**_of(result["appointment"]))
    return _told_otherwise(name, status, result, said)


def _told_otherwise(name: str, status: str, result: dict[str, Any], said: dict[str, str]) -> str:
    if status in {"free_times", "not_free", "nothing_free"}:
        return _times(result, said)
    if status in _WRONG_DAY:
        return said["wrong_day"]
    if status in {"which_day", "which_time"}:
        return said["which_time_move" if MOVE in name else "which_time_book"]
    choices = result.get("possible_days") or result.get("services") or result.get("appointments")
    if choices:
        return _listed(said["which"], choices)
    simple = {"calendar_unreadable": "unreadable", "no_appointments": "none", "which_email": "email"}
    if status == "book_by_link":
        return said["link"].format(link=result["link"])
    return said[simple.get(status, "failed")]


def _question(name: str, proposal: dict[str, Any], said: dict[str, str]) -> str:
    if MOVE in name:
        return said["confirm_move"].format(service=proposal["from"]["service"], when=proposal["to"]["when"])
    return said["confirm_cancel" if CANCEL in name else "confirm_book"].format(**_of(proposal))


def _of(one: dict[str, Any]) -> dict[str, str]:
    return {"service": str(one.get("service") or one.get("name") or ""), "when": str(one.get("when", ""))}


def _times(result: dict[str, Any], said: dict[str, str]) -> str:
    if not result["free_times"]:
        return said["nothing_free"]
    days: dict[str, list[str]] = {}
    for one in result["free_times"]:
        days.setdefault(one["day"], []).append(one["time"])
    lines = [f"- {day}: {', '.join(times)}" for day, times in days.items()]
    return "\n".join([said["times" if result.get("as_wished") else "nearest"], *lines])


def _listed(head: str, choices: list[Any]) -> str:
    named = [f"{one['service']}: {one['when']}" if isinstance(one, dict) else str(one) for one in choices]
    return "\n".join([head, *(f"- {one}" for one in named)])
