"""What a file really is, by its first bytes: names and types that others give it are wrong too often.

Sources of the signatures: the WHATWG's "MIME Sniffing" standard sections 6.1 and 6.2, RFC 3533 (Ogg),
RFC 9639 (FLAC), RFC 9649 (WebP), ISO/IEC 14496-12 (the ``ftyp`` box).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["audio", "picture", "other"]

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# Brands of MPEG-4 files that hold a film or a still picture of a kind that models do not take.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}
_VIDEO_BRANDS = {b"qt  ", b"3gp4", b"3gp5", b"3gp6", b"3g2a"}
_WEBP_ANIMATED = 0x02
# A graphic control extension, as it stands before each frame of a GIF (GIF89a specification, section 23).
_GIF_FRAME = re.compile(rb"\x00\x21\xf9\x04.{4}\x00[\x2c\x21]", re.DOTALL)


@dataclass(frozen=True)
class Sniffed:
    """What a file is.

    Args:
        kind: ``audio`` that can be transcribed, a ``picture`` that a model can look at, or ``other``.
        media_type: for audio and pictures.
        extension: the same; the transcription goes by it.
    """

    kind: Kind
    media_type: str = ""
    extension: str = ""


OTHER = Sniffed("other")
_OGG = Sniffed("audio", "audio/ogg", "ogg")
_M4A = Sniffed("audio", "audio/mp4", "m4a")
_MP3 = Sniffed("audio", "audio/mpeg", "mp3")
_STARTS = (
    (b"OggS", _OGG),
    (b"fLaC", Sniffed("audio", "audio/flac", "flac")),
    (b"\x1aE\xdf\xa3", Sniffed("audio", "audio/webm", "webm")),
    (b"ID3", _MP3),
    (_PNG, Sniffed("picture", "image/png", "png")),
    (_JPEG, Sniffed("picture", "image/jpeg", "jpg")),
)


def sniff(data: bytes) -> Sniffed:
    """What a file is. Moving pictures count as ``other``: no model takes them."""
    found = next((what for start, what in _STARTS if data.startswith(start)), None)
    if found is not None:
        return found
    if data[:4] == b"RIFF":
        return _riff(data)
    if data[4:8] == b"ftyp":
        return _mpeg4(data[8:12])
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        moving = len(_GIF_FRAME.findall(data)) > 1
        return OTHER if moving else Sniffed("picture", "image/gif", "gif")
    return _MP3 if _is_mpeg_audio(data) else OTHER


def _riff(data: bytes) -> Sniffed:
    if data[8:12] == b"WAVE":
        return Sniffed("audio", "audio/wav", "wav")
    moving = data[12:16] == b"VP8X" and len(data) > 20 and bool(data[20] & _WEBP_ANIMATED)  # noqa: PLR2004 - RFC 9649 section 2.7
    if data[8:12] == b"WEBP" and not moving:
        return Sniffed("picture", "image/webp", "webp")
    return OTHER


def _mpeg4(brand: bytes) -> Sniffed:
    return OTHER if brand in _HEIC_BRANDS | _VIDEO_BRANDS else _M4A


def _is_mpeg_audio(data: bytes) -> bool:
    """A frame of MPEG audio, layer I to III; layer 0 would be AAC, which the transcription does not take."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - ISO/IEC 11172-3, header
        return False
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    bitrate, rate = data[2] >> 4, data[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate != 15 and rate != 3  # noqa: PLR2004 - reserved values
