from __future__ import annotations

from tests.support.simulators import calendly

__all__ = ["calendly"]
