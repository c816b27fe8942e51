"""Ears that hear what a test wants."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from shared.agent.media.transcription import Transcript
from shared.chatwoot.media import FileUnavailable
from shared.conversations.listening import Ears

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.agent.media.sniffing import Sniffed
    from shared.agent.media.transcription import Transcriber
    from shared.chatwoot.media import Downloads
    from shared.platform.clock import Deadline


@dataclass(frozen=True)
class Fetched:
    """A download that was asked for."""

    url: str
    max_bytes: int
    young: bool
    seconds: float


@dataclass(frozen=True)
class Asked:
    """A transcription that was asked for."""

    extension: str
    language: str
    keywords: tuple[str, ...]


@dataclass
class FakeEars:
    """Files by address, and what the transcription says, in order: a text, or an error that it raises.

    ``while_hearing`` runs before each transcription.
    """

    files: dict[str, bytes | FileUnavailable] = field(default_factory=dict)
    says: deque[str | Exception] = field(default_factory=deque)
    fetched: list[Fetched] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    while_hearing: Callable[[], None] = lambda: None

    def ears(self) -> Ears:
        """See `Ears`."""
        return Ears(lambda: cast("Downloads", self), self.lend)

    @contextmanager
    def lend(self) -> Iterator[Transcriber]:
        """See `shared.conversations.desk.Lending`."""
        yield cast("Transcriber", self)

    def fetch(self, url: str, *, base_url: str, max_bytes: int, deadline: Deadline, young: bool) -> bytes:
        """See `Downloads`."""
        assert base_url
        self.fetched.append(Fetched(url, max_bytes, young, deadline.remaining_seconds()))
        found = self.files.get(url, FileUnavailable("not_found", passing=True))
        if isinstance(found, FileUnavailable):
            raise found
        return found

    def transcribe(
        self,
        audio: bytes,
        sniffed: Sniffed,
        *,
        language: str,
        keywords: Sequence[str],
        timeout_seconds: float,
    ) -> Transcript:
        """See `Transcriber`."""
        assert audio
        assert timeout_seconds > 0
        self.while_hearing()
        self.asked.append(Asked(sniffed.extension, language, tuple(keywords)))
        said = self.says.popleft()
        if isinstance(said, Exception):
            raise said
        return Transcript(said)


def attachment(file_type: str, url: str = "", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """An attachment as Chatwoot 4.15 shows it."""
    return {
        "id": 3301,
        "message_id": 70012,
        "file_type": file_type,
        "account_id": 3,
        "extension": None,
        "content_type": None,
        "data_url": url,
        "thumb_url": "",
        "file_size": 100,
        "width": None,
        "height": None,
    } | changes
