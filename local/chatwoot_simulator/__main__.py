"""``python -m local.chatwoot_simulator --port N``."""

from __future__ import annotations

from local.chatwoot_simulator.app import create_app
from local.serving import serve

if __name__ == "__main__":
    serve("Chatwoot simulator, desk page", create_app(), default_port=8482, page="/desk")
