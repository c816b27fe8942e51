"""``python -m local.model_simulator --port N``: serves the simulator on the loopback address."""

from __future__ import annotations

import argparse
import logging

from local.model_simulator.app import make_simulator


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m local.model_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8483, help="where to listen (default %(default)s)")
    port = parser.parse_args().port
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    print(f"model simulator: http://127.0.0.1:{port}/v1", flush=True)
    try:
        make_simulator(port).serve_forever()
    except KeyboardInterrupt:
        print("model simulator: stopped", flush=True)


if __name__ == "__main__":
    main()
