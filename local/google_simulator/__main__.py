"""``python -m local.google_simulator --port N``."""

from __future__ import annotations

from local.google_simulator.app import create_app
from local.serving import serve

if __name__ == "__main__":
    serve("Google simulator, calendars", create_app(), default_port=8484, page="/calendar")
