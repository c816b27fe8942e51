"""What a tool is: a name, a description, an argument model, an effect and a function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.agent.values import ContactCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.agent.values import Action, JsonDict
    from shared.companies.model import Company
    from shared.platform.clock import Clock, Deadline

# ``write``: it changes something or asks for something; two equal calls in one turn are one.
Effect = Literal["read", "write"]


class ToolArguments(BaseModel):
    """Base of every tool's arguments: what the model invents beside them is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True)
class ToolContext:
    """For whom a tool works. A tool acts on this company and this contact, never on ids the model names.

    Args:
        company_id: the company.
        company: its document.
        user_id: the contact who writes.
        conversation: the conversation's identity.
        clock: time.
        deadline: when the turn must be over.
        call_key: the identity of this very call, the same when the turn is run again. A worker may die after
            a tool's effect and before its result is recorded, so a writing tool makes its effect under this
            key: once.
        contact: what Chatwoot knows of the contact.
        rehearsal: nothing may be changed outside: a try in the sandbox, or a company in shadow mode.
        told_turns: the identities of earlier turns of this conversation whose reply was sent, the last ones.
        customer_words: what the customer wrote in this conversation, the newest last, as far as it is known.
        desk_words: the desk's replies that were sent in it, likewise.
    """

    company_id: str
    company: Company
    user_id: str
    conversation: str
    clock: Clock
    deadline: Deadline
    call_key: str = ""
    contact: ContactCard = field(default_factory=ContactCard)
    rehearsal: bool = False
    told_turns: frozenset[str] = frozenset()
    customer_words: tuple[str, ...] = ()
    desk_words: tuple[str, ...] = ()

    @property
    def turn(self) -> str:
        """The identity of the turn that the call belongs to."""
        return self.call_key.rsplit(":", 2)[0]


@dataclass(frozen=True)
class ToolResult:
    """What a tool gives back.

    Args:
        content: for the model, as JSON.
        actions: what the turn shall do because of it.
    """

    content: JsonDict
    actions: tuple[Action, ...] = field(default=())


Arguments = TypeVar("Arguments", bound=ToolArguments)


@dataclass(frozen=True)
class Tool(Generic[Arguments]):
    """One tool.

    Args:
        name: what the model and the company's documents call it.
        description: when to use it, for the model.
        arguments: the argument model; its field descriptions are for the model as well.
        effect: see `Effect`.
        run: does it. May raise `InvalidInput`, which the model is told, and `RetryLater` or `GiveUp`, which
            end this attempt of the turn.
        everywhere: every agent has it, whether its list names it or not.
        is_offered: whether a company has a use for it.
    """

    name: str
    description: str
    arguments: type[Arguments]
    effect: Effect
    run: Callable[[Arguments, ToolContext], ToolResult]
    everywhere: bool = False
    is_offered: Callable[[Company], bool] = lambda _: True
