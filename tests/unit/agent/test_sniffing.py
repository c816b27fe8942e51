"""A file is what its first bytes say, not what others call it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.agent.media.sniffing import sniff
from tests.support import files


@pytest.mark.parametrize(
    ("data", "extension"),
    [
        (files.OGG, "ogg"),
        (files.M4A, "m4a"),
        (files.WAV, "wav"),
        (files.FLAC, "flac"),
        (files.WEBM, "webm"),
        (files.MP3, "mp3"),
        (files.BARE_MP3, "mp3"),
    ],
)
def test_recordings_are_known_by_the_extension_that_the_transcription_goes_by(
    data: bytes, extension: str
) -> None:
    """Never ``.oga`` or ``.opus``, which it refuses."""
    found = sniff(data)
    assert (found.kind, found.extension) == ("audio", extension)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (files.PNG, "image/png"),
        (files.JPEG, "image/jpeg"),
        (files.WEBP, "image/webp"),
        (files.GIF, "image/gif"),
    ],
)
def test_pictures_that_models_take_are_known(data: bytes, media_type: str) -> None:
    """PNG, JPEG, WebP and GIF."""
    found = sniff(data)
    assert (found.kind, found.media_type) == ("picture", media_type)


@pytest.mark.parametrize(
    "data",
    [
        files.MOVING_GIF,
        files.MOVING_WEBP,
        files.HEIC,
        files.AAC,
        files.AMR,
        files.MOV,
        files.PDF,
        files.HTML,
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"",
        b"\xff",
    ],
)
def test_everything_else_is_neither(data: bytes) -> None:
    """Moving pictures, kinds that no endpoint takes, and pages that a server gives instead of a file."""
    assert sniff(data).kind == "other"


@given(st.binary(max_size=64))
def test_no_bytes_break_it(data: bytes) -> None:
    """They come from anywhere."""
    assert sniff(data).kind in {"audio", "picture", "other"}
