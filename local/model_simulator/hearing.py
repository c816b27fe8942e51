"""The simulator's ears and eyes: recordings and pictures say what their own bytes carry.

``carried`` finds a text after `MARK`, up to the next zero byte: whoever makes a recording or a picture for a
test puts it there (`local.model_simulator.hearing.carrying`).
"""

from __future__ import annotations

import base64
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage, MultiDict

MARK = b"this carries: "
# The endpoint goes by the name alone: .oga and .opus are refused (chatwoot/chatwoot#14689).
EXTENSIONS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "ogg", "wav", "webm")
MOST_BYTES = 25 * 1024 * 1024
HINTS = ("languages[]", "keywords[]")
PICTURES = ("data:image/png;", "data:image/jpeg;", "data:image/webp;", "data:image/gif;")


class Refused(Exception):
    """The request breaks one of the API's rules; the message is the API's answer."""


def carrying(start: bytes, text: str) -> bytes:
    """A file that begins like one of a kind, and says a text."""
    return start + MARK + text.encode() + b"\x00"


def carried(data: bytes) -> str:
    """The text that a file carries; empty where it carries none."""
    return data.partition(MARK)[2].partition(b"\x00")[0].decode("utf-8", "replace")


def seen(url: str) -> str:
    """The text that a picture carries, out of its data URL.

    Raises:
        Refused: it is no picture that the API takes.
    """
    head, _, data = url.partition("base64,")
    if head not in PICTURES:
        raise Refused("The image data you provided does not represent a valid image.")
    return carried(base64.b64decode(data))


def heard(file: FileStorage, given: MultiDict[str, str]) -> dict[str, Any]:
    """A recording's transcription, as ``gpt-transcribe`` answers.

    Raises:
        Refused: the file's name, its size or a parameter is not one that the model takes.
    """
    data, extension = file.read(), PurePosixPath(file.filename or "").suffix[1:]
    if extension not in EXTENSIONS:
        raise Refused(f"Unsupported file format {extension}")
    if len(data) > MOST_BYTES:
        raise Refused("Maximum content size limit (26214400) exceeded")
    if not given["model"].startswith("gpt-transcribe") and any(name in given for name in HINTS):
        raise Refused("Unrecognized request arguments supplied: keywords, languages")
    languages = [{"code": code} for code in given.getlist("languages[]")]
    usage = {"type": "duration", "seconds": len(data) // 1000 + 1}
    return {"text": carried(data), "languages": languages, "usage": usage}
