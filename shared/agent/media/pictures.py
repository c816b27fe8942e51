"""Pictures for the model."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PICTURE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Picture:
    """A picture as models take it: PNG, JPEG, WebP or a GIF that does not move."""

    media_type: str
    data: bytes = field(repr=False)

    @property
    def data_url(self) -> str:
        """The picture inside a URL (RFC 2397): providers need not fetch it from anywhere."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"


class ImagePart:
    """A picture of this turn, fetched when the model is first really asked.

    A turn that is run again and finds the model's answer in its journal never fetches it.

    Args:
        fetch: gives the picture, or ``None`` where it cannot be had any more.
    """

    def __init__(self, fetch: Callable[[], Picture | None]) -> None:
        self._fetch = fetch
        self._fetched = False
        self._picture: Picture | None = None

    @classmethod
    def of(cls, picture: Picture) -> ImagePart:
        """A part whose picture is there already."""
        return cls(lambda: picture)

    def picture(self) -> Picture | None:
        """The picture, fetched at most once."""
        if not self._fetched:
            self._picture, self._fetched = self._fetch(), True
        return self._picture
