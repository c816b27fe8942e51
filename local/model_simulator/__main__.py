"""``python -m local.model_simulator --port N``: serves the simulator on the loopback address."""

from __future__ import annotations

from local.model_simulator.app import create_app
from local.serving import serve

if __name__ == "__main__":
    serve("model simulator", create_app(), default_port=8483, page="/v1")
