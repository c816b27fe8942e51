"""What every provider of e-mail promises, so that who sends knows what it may do next.

    Accepted                 the provider has it
    Unsupported  (GiveUp)    it cannot carry such a message; nothing was sent
    Rejected     (GiveUp)    it certainly has not, and asking again brings the same
    NotAccepted  (RetryLater) it certainly has not, for a reason that passes
    Ambiguous    (AnswerLost) it may have it

Only the last may become a second copy for somebody: it is never followed by another provider blindly.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, final

from shared.platform.errors import AnswerLost, GiveUp, RetryLater

if TYPE_CHECKING:
    from shared.email.rendered import Rendered
    from shared.platform.clock import Deadline

MEGABYTE = 1024 * 1024
LONGEST_WAIT_SECONDS = 3600.0
# The reason of an outcome that only a mistake of ours can bring.
BROKEN = "broken"
# Reasons that say nothing of the provider: our time was over; every recipient's mailbox is busy.
NO_TIME_LEFT = "no_time_left"
RECIPIENTS = "recipients"
# Reasons for which a provider was never asked: it works, only not for such a message.
CANNOT_CARRY = frozenset(
    {"unsupported", "too_many_recipients", "tags", "smtputf8", "too_large", "unwritable"}
)
_LONGEST_WORDS = 200
_LONGEST_READ = 1000


@dataclass(frozen=True)
class Capabilities:
    """What a vendor can carry.

    Args:
        max_bytes: of a message as it travels, files encoded.
        max_recipients: of one message.
        max_tags: how many of the message's tags it takes; 0: none.
        smtputf8: whether letters beyond ASCII may stand before the @.
    """

    max_bytes: int
    max_recipients: int
    max_tags: int = 0
    smtputf8: bool = False

    def lack(self, *, recipients: int, tags: int, smtputf8: bool) -> Lack | None:
        """What a vendor lacks for a message; ``None``: nothing.

        Args:
            recipients: how many it has.
            tags: how many it has.
            smtputf8: whether an address in it can only travel with SMTPUTF8.
        """
        if recipients > self.max_recipients:
            return Lack("too_many_recipients", "to", "the message has too many recipients for it")
        if tags > self.max_tags:
            return Lack("tags", "tags", "it does not take so many tags")
        if smtputf8 and not self.smtputf8:
            return Lack("smtputf8", "to", "it takes no letters beyond ASCII before an @")
        return None


@dataclass(frozen=True)
class Lack:
    """Why a vendor cannot carry a message: as a slug, which field of it, and in words."""

    reason: str
    field: str
    words: str


@dataclass(frozen=True)
class Refusal:
    """A recipient that was refused while others were accepted.

    Args:
        address: whose.
        permanent: asking the same provider again brings the same.
        code: the provider's.
        ours: it was refused because of who asks, not of who is to get it: another provider may take it.
    """

    address: str
    permanent: bool
    code: str
    ours: bool = False


@dataclass(frozen=True)
class Accepted:
    """The provider has it.

    Args:
        provider_id: the provider's own name for it, for its webhooks; may be empty.
        refused: recipients that will not get it.
    """

    provider_id: str
    refused: tuple[Refusal, ...] = ()


class Unsupported(GiveUp):
    """This provider cannot carry such a message; another one may."""

    default_reason = "unsupported"


class Rejected(GiveUp):
    """It was certainly not accepted, and will not be.

    Args:
        about: ``account``: nothing of this company goes through this provider until somebody mends it;
            ``message``: it does not want this message; ``recipients``: nobody will bring it to them.
    """

    default_reason = "rejected"

    def __init__(
        self, message: str, *, about: Literal["account", "message", "recipients"], reason: str = ""
    ) -> None:
        super().__init__(message, reason=reason)
        self.about = about


class NotAccepted(RetryLater):
    """It was certainly not accepted this time; ``after_seconds`` where the provider said how long."""

    default_reason = "not_accepted"


class Ambiguous(AnswerLost):
    """It may have been accepted."""

    default_reason = "ambiguous"


class Provider(ABC):
    """One provider of one company; belongs to one thread.

    What must hold for every vendor stands here: what it cannot do is refused before anything is sent, and
    whatever breaks is told as what it means for the message.
    """

    capabilities: ClassVar[Capabilities]

    @final
    def send(self, rendered: Rendered, deadline: Deadline) -> Accepted:
        """Hand a message over, once.

        Raises:
            Unsupported, Rejected, NotAccepted, Ambiguous: see the module; nothing else.
        """
        self._require_possible(rendered)
        content = self._content(rendered)
        if deadline.passed():
            raise NotAccepted("no time was left for it", reason=NO_TIME_LEFT)
        try:
            return self._hand_over(rendered, content, deadline)
        except (Unsupported, Rejected, NotAccepted, Ambiguous):
            raise
        except Exception as broken:
            # Nobody foresaw it, so nobody knows on which side of the handing over it came.
            raise Ambiguous(f"it broke: {type(broken).__name__}", reason=BROKEN) from broken

    def _require_possible(self, rendered: Rendered) -> None:
        lack = self.capabilities.lack(
            recipients=len(rendered.recipients), tags=len(rendered.tags), smtputf8=rendered.needs_smtputf8
        )
        if lack is not None:
            raise Unsupported(lack.words, reason=lack.reason)

    def _content(self, rendered: Rendered) -> bytes:
        try:
            content = self._written(rendered)
        except Exception as broken:
            words = f"it cannot be written for it: {type(broken).__name__}"
            raise Unsupported(words, reason="unwritable") from broken
        self.require_size(len(content))
        return content

    @abstractmethod
    def _written(self, rendered: Rendered) -> bytes:
        """The message in the vendor's own form, as it travels; talks to nobody."""

    @abstractmethod
    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        """Give what was written to the vendor, and judge its answer."""

    @final
    def require_size(self, size_bytes: int, limit: int | None = None) -> None:
        """Refuse what is too large once it is encoded.

        Raises:
            Unsupported: it is.
        """
        most = self.capabilities.max_bytes if limit is None else limit
        if size_bytes > most:
            raise Unsupported(f"the message has {size_bytes} bytes, {most} is the most", reason="too_large")


def said(text: str) -> str:
    """A provider's words for our log: one short line without addresses."""
    line = "".join(character if character.isprintable() else " " for character in text[:_LONGEST_READ])
    return re.sub(r"[^\s<>]+@[^\s<>]+", "…", " ".join(line.split()))[:_LONGEST_WORDS]


def wait_seconds(text: str | None, *, since: float = 0.0) -> float | None:
    """How long to wait by a header: seconds, or a moment less ``since``; ``None`` where it says nothing."""
    try:
        seconds = float(text or "") - since
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if seconds == seconds else None  # noqa: PLR0124 - NaN
