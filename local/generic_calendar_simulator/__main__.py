"""``python -m local.generic_calendar_simulator --port N``."""

from __future__ import annotations

from local.generic_calendar_simulator.app import create_app
from local.serving import serve

if __name__ == "__main__":
    serve("Calendar of your own", create_app(), default_port=8486, page="/simulator/calendars")
