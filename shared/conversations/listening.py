"""What a customer sent besides words is heard and looked at, before anybody thinks about an answer.

What came of it is written into the inbox beside the message, so that a turn that is run again, and another
turn that answers the same message, neither fetch nor transcribe it twice. Nothing here stops a turn: what
cannot be had is said in words. Pictures themselves are never stored; a turn that is run again fetches them
when the model is really asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.agent.media.pictures import MAX_PICTURE_BYTES, ImagePart, Picture
from shared.agent.media.sniffing import sniff
from shared.agent.media.transcription import MAX_AUDIO_BYTES
from shared.chatwoot.media import FileUnavailable
from shared.conversations.completing import completed, is_empty
from shared.conversations.describing import STICKER
from shared.conversations.hearing import Hearing, room_for_a_recording
from shared.platform.clock import Deadline, epoch_milliseconds
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from shared.agent.media.sniffing import Sniffed
    from shared.agent.media.transcription import Transcriber
    from shared.chatwoot.client import ChatwootClient
    from shared.chatwoot.media import Downloads
    from shared.companies.connection import ChatwootConnection
    from shared.companies.model import Company
    from shared.conversations.hearing import Heard
    from shared.conversations.incoming import IncomingMessage
    from shared.platform.clock import Clock

MAX_PICTURES, MAX_VOICES = 4, 3
# Of one turn's pictures together: ten turns run side by side in one process, each needs six times as much.
MAX_PICTURES_BYTES = 8 * 1024 * 1024
# Never more than half of the time for thinking: an answer to what was heard is what the customer waits for.
MOST_SECONDS = 40.0
_FILE_SECONDS = 25.0
# So long after its message a file may still be on its way.
_YOUNG_SECONDS = 120.0
_MAX_CHATWOOT_TRANSCRIPT = 2_000
_LOOKED_AT = {"image", "share", "story_mention", "ig_story", "ig_reel", "ig_post"}
# MPEG-4 and WebM may be films as well: they count as voice only where somebody says so.
_PERHAPS_FILMS = {"m4a", "webm"}


@dataclass(frozen=True)
class Ears:
    """What listening needs from outside.

    Args:
        downloads: opens downloads for one attempt; their connections are not shared between companies.
        transcriber: lends a transcriber to one thread at a time.
    """

    downloads: Callable[[], Downloads]
    transcriber: Callable[[], AbstractContextManager[Transcriber]]


@dataclass(frozen=True)
class Listened:
    """What was heard: the messages with it, and the pictures to look at, in order."""

    messages: tuple[IncomingMessage, ...]
    pictures: tuple[ImagePart, ...] = ()


@dataclass(frozen=True)
class _File:
    """An attachment of a message."""

    message: IncomingMessage
    attachment: Mapping[str, Any]


class Listener:
    """Listens for one attempt of a turn.

    Args:
        ears: fetches and transcribes.
        chatwoot: the company's account, where missing content is looked up.
        company: its document.
        connection: its account.
        clock: time.
        keep: writes a message with what was heard into the inbox; may raise.
        renew: renews the lease before each call; may raise.
    """

    def __init__(
        self,
        ears: Ears,
        chatwoot: ChatwootClient,
        company: Company,
        connection: ChatwootConnection,
        clock: Clock,
        *,
        keep: Callable[[IncomingMessage], None],
        renew: Callable[[], None],
    ) -> None:
        self._chatwoot = chatwoot
        self._connection = connection
        self._clock = clock
        self._keep = keep
        self._renew = renew
        self._downloads = ears.downloads()
        self._hearing = Hearing(ears.transcriber, company, clock, renew)
        self._pictures: list[ImagePart] = []
        self._picture_bytes = 0
        self._voices = 0

    def listen(self, messages: Sequence[IncomingMessage], deadline: Deadline) -> Listened:
        """Hear and look at everything that came with a turn's messages.

        Args:
            messages: what the customer wrote, oldest first.
            deadline: when thinking must be over; at most half of what is left is used.

        Raises:
            FenceLost: somebody took the conversation up after us.
        """
        box = Deadline(self._clock, min(MOST_SECONDS, deadline.remaining_seconds() / 2))
        heard = tuple(self._opened(self._completed(message, box), box) for message in messages)
        return Listened(heard, tuple(self._pictures))

    def _completed(self, message: IncomingMessage, box: Deadline) -> IncomingMessage:
        if not is_empty(message) or not self._connection.capabilities.get("list_messages"):
            return message
        whole = completed(message, self._chatwoot, self._clock, renew=self._renew, deadline=box)
        if whole is None:
            return message
        self._keep(whole)
        return whole

    def _opened(self, message: IncomingMessage, box: Deadline) -> IncomingMessage:
        """A message with what came of each of its attachments, written down one by one."""
        if message.content_type == STICKER:
            return message
        for index, attachment in enumerate(message.attachments):
            file, known = _File(message, attachment), attachment.get("heard")
            if known and not known.get("again"):
                self._remember(file, known)
                continue
            heard = self._open(file, box)
            if heard is not None and heard != known:
                message = _with_heard(message, index, heard)
                self._keep(message)
        return message

    def _remember(self, file: _File, known: Heard) -> None:
        """Count what an earlier attempt has done."""
        self._voices += known["as"] in {"transcript", "unheard"}
        if known["as"] == "picture":
            self._picture_bytes += known["bytes"]
            self._pictures.append(ImagePart(lambda: self._picture_again(file)))

    def _open(self, file: _File, box: Deadline) -> Heard | None:
        """What came of an attachment; ``None`` for kinds that are only told in words."""
        expected = _expected(file.attachment)
        if expected is None:
            return None
        heard = self._voice(file, box) if expected == "voice" else self._picture(file, box)
        count("Attachments", outcome=str(heard["as"]))
        if "why" in heard:
            count("AttachmentsFailed", reason=str(heard["why"]))
            log.warning(
                "an attachment could not be opened",
                kind=expected,
                reason=heard["why"],
                message_id=file.message.message_id,
            )
        return heard

    def _voice(self, file: _File, box: Deadline) -> Heard:
        written = str(file.attachment.get("transcribed_text") or "").strip()
        if 0 < len(written) < _MAX_CHATWOOT_TRANSCRIPT:
            return {"as": "transcript", "text": written}  # Chatwoot's own; longer ones are cut at the door
        if self._voices >= MAX_VOICES:
            return {"as": "skipped"}
        self._voices += 1
        with room_for_a_recording(box) as there_is_room:
            if there_is_room:
                return self._recording(file, box)
        return {"as": "unheard", "why": "busy", "again": True}

    def _recording(self, file: _File, box: Deadline) -> Heard:
        try:
            data = self._fetch(file, MAX_AUDIO_BYTES, box)
        except FileUnavailable as failed:
            return _failed("unheard", failed)
        sniffed = sniff(data)
        if sniffed.kind == "audio":
            return self._hearing.hear(data, sniffed, box)
        if sniffed.kind == "picture":
            return self._to_be_shown(data, sniffed)
        return {"as": "unheard", "why": "format"}

    def _picture(self, file: _File, box: Deadline) -> Heard:
        if len(self._pictures) >= MAX_PICTURES:
            return {"as": "skipped"}
        try:
            data = self._fetch(file, MAX_PICTURE_BYTES, box)
        except FileUnavailable as failed:
            return _failed(_not_seen(file), failed)
        sniffed = sniff(data)
        if sniffed.kind == "picture":
            return self._to_be_shown(data, sniffed)
        if sniffed.kind == "audio" and sniffed.extension not in _PERHAPS_FILMS and self._voices < MAX_VOICES:
            self._voices += 1
            return self._hearing.hear(data, sniffed, box)
        return {"as": _not_seen(file), "why": "format"}

    def _to_be_shown(self, data: bytes, sniffed: Sniffed) -> Heard:
        too_many = len(self._pictures) >= MAX_PICTURES
        if too_many or self._picture_bytes + len(data) > MAX_PICTURES_BYTES:
            return {"as": "skipped"}
        if len(data) > MAX_PICTURE_BYTES:
            return {"as": "unseen", "why": "too_large"}
        self._picture_bytes += len(data)
        self._pictures.append(ImagePart.of(Picture(sniffed.media_type, data)))
        return {"as": "picture", "type": sniffed.media_type, "bytes": len(data)}

    def _picture_again(self, file: _File) -> Picture | None:
        try:
            data = self._fetch(file, MAX_PICTURE_BYTES, Deadline(self._clock, _FILE_SECONDS))
        except FileUnavailable as failed:
            log.warning("a picture cannot be fetched again", reason=failed.reason)
            return None
        sniffed = sniff(data)
        return Picture(sniffed.media_type, data) if sniffed.kind == "picture" else None

    def _fetch(self, file: _File, max_bytes: int, box: Deadline) -> bytes:
        url, size = file.attachment.get("data_url"), file.attachment.get("file_size")
        if not isinstance(url, str) or not url:
            raise FileUnavailable("no_address")
        if isinstance(size, int) and size > max_bytes:
            raise FileUnavailable("too_large")
        self._renew()
        age_seconds = (epoch_milliseconds(self._clock.now()) - file.message.received_at_ms) / 1000
        return self._downloads.fetch(
            url,
            base_url=self._connection.base_url,
            max_bytes=max_bytes,
            deadline=Deadline(self._clock, box.within(_FILE_SECONDS)),
            young=age_seconds < _YOUNG_SECONDS,
        )


def _expected(attachment: Mapping[str, Any]) -> str | None:
    """``voice``, ``picture``, or ``None``: by what Chatwoot calls it. What it is, the file itself says."""
    kind, declared = attachment.get("file_type"), str(attachment.get("content_type") or "")
    if kind == "audio" or (kind == "file" and declared.startswith("audio/")):
        return "voice"
    if kind in _LOOKED_AT or (kind == "file" and declared.startswith("image/")):
        return "picture"
    return None


def _not_seen(file: _File) -> str:
    """A picture is missed; of a post or a reel nobody said that it is a picture."""
    return "unseen" if file.attachment.get("file_type") in {"image", "file"} else "closed"


def _failed(how: str, failed: FileUnavailable) -> Heard:
    again = failed.passing and failed.reason != "not_found"
    return {"as": how, "why": failed.reason} | ({"again": True} if again else {})


def _with_heard(message: IncomingMessage, index: int, heard: Heard) -> IncomingMessage:
    attachments = list(message.attachments)
    attachments[index] = {**attachments[index], "heard": heard}
    return replace(message, attachments=tuple(attachments))
