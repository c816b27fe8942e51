"""What is known of an e-mail: what was asked for, where it stands, and what providers reported of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.email.callbacks.reports import Fate, gravity
from shared.email.outbox import read_back, recipients
from shared.email.suppression import canonical

if TYPE_CHECKING:
    from datetime import datetime

    from shared.email.records import EmailRecord

_NOT_ARRIVED = {Fate.BOUNCED, Fate.DROPPED}


@dataclass(frozen=True)
class Happened:
    """One report as it is shown.

    Args:
        provider: which of the company's providers said it.
        fate: what happened.
        address: at which address.
        at: when.
        words: the provider's own words.
        certain: whether it is more than a guess; see `Report`.
    """

    provider: str
    fate: Fate
    address: str
    at: datetime
    words: str
    certain: bool = True

    @property
    def gravity(self) -> int:
        """See `shared.email.callbacks.reports.gravity`."""
        return gravity(self.fate, certain=self.certain)


@dataclass(frozen=True)
class Story:
    """Everything that is known of an e-mail: what is to be sent, as JSON text, and reports by time."""

    record: EmailRecord
    content: str
    happened: tuple[Happened, ...]

    def fates(self) -> dict[str, Fate]:
        """What became of it, per address in its canonical spelling, since it is sent anew."""
        return {address: one.fate for address, one in self._gravest().items()}

    def _gravest(self) -> dict[str, Happened]:
        found: dict[str, Happened] = {}
        since = self.record.resent_at
        for one in self.happened:
            if since is not None and one.at < since:
                continue
            address = canonical(one.address)
            known = found.get(address)
            if known is None or one.gravity > known.gravity:
                found[address] = one
        return found

    def taken_for(self) -> tuple[str, ...]:
        """To whom it goes, without those whom a server refused: they have e-mails of their own, or none."""
        asked = self.record.only or recipients(read_back(self.content))
        return tuple(one for one in asked if one not in self.record.refused)

    def reached_nobody(self) -> bool:
        """Whether it was reported of every single address that nothing arrived there."""
        expected = set(self.taken_for()) - set(self.record.left_out)
        found = self._gravest().items()
        lost = {address for address, one in found if one.certain and one.fate in _NOT_ARRIVED}
        return bool(expected) and {canonical(one) for one in expected} <= lost
