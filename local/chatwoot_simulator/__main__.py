"""``python -m local.chatwoot_simulator --port N [--state FILE]``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from local.chatwoot_simulator.app import Server, create_app


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.chatwoot_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8482, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, help="a JSON file that keeps everything over restarts")
    given = parser.parse_args(arguments)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    try:
        server = Server(create_app(state_file=given.state), given.port)
    except (OSError, SystemExit):  # werkzeug leaves by itself when the port is taken
        print(f"Port {given.port} is in use: choose another with --port.", file=sys.stderr)
        return 1
    with server:
        print(f"Chatwoot simulator: {server.base_url}, desk page: {server.base_url}/desk", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
