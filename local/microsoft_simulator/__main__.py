"""``python -m local.microsoft_simulator --port N``."""

from __future__ import annotations

from local.microsoft_simulator.app import create_app
from local.serving import serve

if __name__ == "__main__":
    serve("Microsoft simulator", create_app(), default_port=8489, page="/simulator/oauth")
