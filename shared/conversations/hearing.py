"""A recording into words, within a turn: what may pass is tried twice, and nothing stops the turn."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shared.platform.errors import GiveUp, RetryLater
from shared.platform.observability import count, log, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from shared.agent.media.sniffing import Sniffed
    from shared.agent.media.transcription import Transcriber, Transcript
    from shared.companies.model import Company
    from shared.platform.clock import Clock, Deadline

MAX_TRANSCRIPT_CHARACTERS = 10_000
_TRANSCRIPTION_SECONDS = 25.0
_LONGEST_WAIT_SECONDS = 5.0
# Recordings are up to 25 MB and copied a few times on their way: so many at once in one process.
_AT_ONCE = threading.BoundedSemaphore(3)
_FOR_THE_OPERATOR = {"model_denied", "model_quota", "model_not_found", "model_address_refused"}
# What came of an attachment, as `shared.conversations.describing` reads it.
Heard = dict[str, Any]


class Hearing:
    """Transcribes for one company.

    Args:
        transcriber: lends a transcriber to one thread at a time.
        company: says which language and names are likely.
        clock: time.
        renew: renews the lease before each call; may raise.
    """

    def __init__(
        self,
        transcriber: Callable[[], AbstractContextManager[Transcriber]],
        company: Company,
        clock: Clock,
        renew: Callable[[], None],
    ) -> None:
        self._transcriber = transcriber
        self._company = company
        self._clock = clock
        self._renew = renew

    def hear(self, data: bytes, sniffed: Sniffed, box: Deadline) -> Heard:
        """A recording's words, or why there are none."""
        try:
            transcript = self._twice(data, sniffed, box)
        except GiveUp as failed:
            if failed.reason in _FOR_THE_OPERATOR:
                # Customers are asked for words meanwhile, so that nobody else would notice.
                count("TranscriptionsRefused", reason=failed.reason)
                log.error("voice messages cannot be transcribed", reason=failed.reason)
            return {"as": "unheard", "why": failed.reason}
        except RetryLater as failed:
            return {"as": "unheard", "why": failed.reason, "again": True}
        if not transcript.text:
            return {"as": "unheard", "why": "empty"}
        text = transcript.text[:MAX_TRANSCRIPT_CHARACTERS]
        cut = " [cut]" if len(text) < len(transcript.text) else ""
        return {"as": "transcript", "text": text + cut}

    def _twice(self, data: bytes, sniffed: Sniffed, box: Deadline) -> Transcript:
        try:
            return self._once(data, sniffed, box)
        except RetryLater as failed:
            wait_seconds = failed.after_seconds or 1.0
            if wait_seconds > min(_LONGEST_WAIT_SECONDS, box.remaining_seconds()):
                raise
        self._clock.sleep(wait_seconds)
        return self._once(data, sniffed, box)

    def _once(self, data: bytes, sniffed: Sniffed, box: Deadline) -> Transcript:
        self._renew()
        started, company = self._clock.monotonic(), self._company
        with self._transcriber() as transcriber:
            transcript = transcriber.transcribe(
                data,
                sniffed,
                language=company.language,
                keywords=[company.name, *(service.name for service in company.services)],
                timeout_seconds=box.within(_TRANSCRIPTION_SECONDS),
            )
        took = (self._clock.monotonic() - started) * 1000
        milliseconds("TranscriptionTime", took)
        log.info(
            "a voice message was transcribed",
            bytes=len(data),
            characters=len(transcript.text),
            languages=list(transcript.languages),
            usage=transcript.usage,
            took_milliseconds=round(took),
        )
        return transcript


@contextmanager
def room_for_a_recording(box: Deadline) -> Iterator[bool]:
    """Wait until there is room for another recording in this process; false when the time is up first."""
    free = _AT_ONCE.acquire(timeout=box.remaining_seconds())
    try:
        yield free
    finally:
        if free:
            _AT_ONCE.release()
