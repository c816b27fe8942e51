"""Records every external effect of a visit, and makes one of them go wrong.

An effect is a call that changes something outside the process: a write to a table, a question to the model, a
tool that acts, a post to Chatwoot, a change in a queue. Reads are no effects. The recorder stands between the
code and its fakes, numbers the effects, and at one number does what a fault says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from shared.chatwoot.errors import MessagePerhapsStored
from shared.platform.errors import AnswerLost, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable


class Fault(StrEnum):
    """What goes wrong at an effect."""

    DIE_BEFORE = "die before"
    DIE_AFTER = "die after"
    TIMEOUT = "timeout after success"
    ERROR_500 = "500 after success"
    DUPLICATE = "duplicate delivery"
    REDRIVE = "redrive"


class Death(BaseException):
    """The process ends here, as by kill -9: nothing of ours catches it."""


@dataclass
class Recorder:
    """Numbers effects and plays one fault.

    Args:
        fault_at: the effect at which it goes wrong; -1 for none.
        fault: what goes wrong.
        meanwhile: what happens in the middle of it for a duplicate delivery.
    """

    fault_at: int = -1
    fault: Fault | None = None
    meanwhile: Callable[[], None] = lambda: None
    names: list[str] = field(default_factory=list)
    quiet: bool = False

    def effect(self, name: str, act: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the call returns
        """Do an effect, unless it goes wrong here."""
        if self.quiet:
            return act()
        number = len(self.names)
        self.names.append(name)
        if number != self.fault_at:
            return act()
        if self.fault is Fault.DIE_BEFORE:
            raise Death
        result = act()
        if self.fault is Fault.DUPLICATE:
            self.quiet = True
            self.meanwhile()
            self.quiet = False
        elif self.fault in {Fault.TIMEOUT, Fault.ERROR_500}:
            raise _lost_answer(name, self.fault)
        elif self.fault is not None:
            raise Death
        return result


def _lost_answer(name: str, fault: Fault) -> Exception:
    """The error that the code sees when an effect happened and its answer did not come."""
    service = name.split(" ", 1)[0]
    timeout = fault is Fault.TIMEOUT
    if service == "chatwoot":
        if name.startswith("chatwoot post"):
            lost = AnswerLost("timed out", reason="timeout")
            return lost if timeout else MessagePerhapsStored("500", reason="status_500", status=500)
        return RetryLater("no answer", reason="timeout" if timeout else "status_500")
    if service == "model":
        return RetryLater("no answer", reason="model_timeout" if timeout else "model_unavailable")
    if service in {"tool", "calendar"}:
        kind = RetryLater if service == "tool" else AnswerLost
        return kind("no answer", reason="tool_timeout" if timeout else "tool_failed")
    if timeout:
        return ReadTimeoutError(endpoint_url=f"https://{service}.example")
    return ClientError({"Error": {"Code": "InternalServerError", "Message": "500"}}, name)


class Recorded:
    """A fake whose effects are recorded.

    Args:
        target: the fake.
        service: how its effects' names begin.
        effects: which methods are effects, and how each is called in the list.
        recorder: who numbers them.
    """

    def __init__(self, target: Any, service: str, effects: dict[str, str], recorder: Recorder) -> None:  # noqa: ANN401 - any fake
        self._target = target
        self._service = service
        self._effects = effects
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method
        found = getattr(self._target, name)
        if name not in self._effects:
            return found

        def called(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401 - handed on
            what = f"{self._service} {self._effects[name]}{_detail(self._service, name, arguments, keywords)}"
            return self._recorder.effect(what, lambda: found(*arguments, **keywords))

        return called


def _detail(service: str, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    """What tells one effect from another of the same kind, without numbers that differ from run to run."""
    if service == "chatwoot" and name == "post_message":
        return " note" if keywords.get("private") else " part"
    if service != "dynamodb":
        return ""
    parts = arguments[0] if name == "transact" else [arguments[0]]
    return " " + " + ".join(sorted({_place(part) for part in parts} - {""}))


def _place(part: Any) -> str:  # noqa: ANN401 - an item, a key or a write
    if type(part).__name__ == "Check":
        return ""
    if isinstance(part, list):
        return "history"
    key = part if hasattr(part, "sk") else getattr(part, "key", None)
    sort_key = str(part["sk"] if isinstance(part, dict) else key.sk if key is not None else part.item["sk"])
    words = [word for word in sort_key.split("#") if not any(letter.isdigit() for letter in word)]
    return "#".join(words[:2])
