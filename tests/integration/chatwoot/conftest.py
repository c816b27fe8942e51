"""What these tests share."""

from __future__ import annotations

from tests.support.storage import storage

__all__ = ["storage"]
