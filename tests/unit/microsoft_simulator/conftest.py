from __future__ import annotations

from tests.support.simulators import microsoft

__all__ = ["microsoft"]
