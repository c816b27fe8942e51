from __future__ import annotations

from tests.support.simulators import google

__all__ = ["google"]
