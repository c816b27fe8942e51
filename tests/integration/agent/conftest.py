"""The running model simulator, for every test here."""

from __future__ import annotations

from tests.support.model import model

__all__ = ["model"]
