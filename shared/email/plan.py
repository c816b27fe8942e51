"""Whom to ask next: plain decisions over what was tried, without anything outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.email.providers.contract import Rejected
from shared.email.records import Tried
from shared.platform.errors import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from shared.platform.errors import GiveUp

# How often one provider is asked before the next one is.
TRIES = 3
# After each passing failure. The third and later ones are for when there is nobody else: an e-mail is tried
# for as long as it is worth sending.
BACKOFF_SECONDS = (10.0, 60.0, 300.0, 600.0, 1200.0, 1800.0)
# After so long somebody may have mended an account that was refused: a key stored, a bill paid. With no other
# provider an e-mail waits for it, for as long as it is worth sending.
MENDED_AFTER = timedelta(minutes=15)
LONGEST_WORDS = 200
# A provider that wants more time than this is not waited for while there is another.
PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True)
class Chosen:
    """Ask this provider now."""

    provider: str


@dataclass(frozen=True)
class Wait:
    """Nobody can be asked before this moment."""

    until: datetime


@dataclass(frozen=True)
class NobodyLeft:
    """Every provider certainly refused."""


def choose(
    providers: Sequence[str],
    tried: Mapping[str, Tried],
    open_until: Callable[[str], datetime | None],
    now: datetime,
) -> Chosen | Wait | NobodyLeft:
    """Whom to ask next.

    Args:
        providers: in the company's order.
        tried: what came of them so far.
        open_until: until when a provider is left alone by its breaker; ``None``: it may be asked. It is only
            called for providers that would be asked, because it lets one caller through.
        now: the present moment.
    """
    waits: list[datetime] = []
    for provider in providers:
        before = tried.get(provider, Tried())
        if before.ended and before.wait_until is None:
            continue
        if before.wait_until and before.wait_until > now:
            waits.append(before.wait_until)
            if not before.ended and before.count < TRIES and before.wait_until - now <= PATIENCE:
                break  # it asked for a moment: going elsewhere now would punish a hiccup
            continue
        until = open_until(provider)
        if until is None:
            return Chosen(provider)
        waits.append(until)
    return Wait(min(waits)) if waits else NobodyLeft()


def after_failure(before: Tried, error: RetryLater | GiveUp, now: datetime) -> Tried:
    """What is known of a provider after it certainly did not accept."""
    said = Tried(before.count + 1, reason=error.reason, words=str(error)[:LONGEST_WORDS])
    if not isinstance(error, RetryLater):
        mendable = isinstance(error, Rejected) and error.about == "account"
        return replace(said, ended=error.reason, wait_until=now + MENDED_AFTER if mendable else None)
    ours = BACKOFF_SECONDS[min(said.count, len(BACKOFF_SECONDS)) - 1]
    # A provider may want more time than we would give it, never less: zero would be over within a second.
    return replace(said, wait_until=now + timedelta(seconds=max(error.after_seconds or 0.0, ours)))
