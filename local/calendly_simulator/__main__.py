"""``python -m local.calendly_simulator --port N``."""

from __future__ import annotations

from local.calendly_simulator.app import create_app
from local.serving import serve

if __name__ == "__main__":
    serve("Calendly simulator", create_app(), default_port=8485, page="/simulator/oauth")
