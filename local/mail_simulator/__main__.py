"""``python -m local.mail_simulator --port N --smtp-port M [--aws-url URL]``: serves on loopback."""

from __future__ import annotations

import argparse
import sys

from local.mail_simulator.app import create_app
from local.mail_simulator.kept import Post
from local.serving import serve
from local.smtp_simulator.server import SmtpServer, Switches

HTTP_PORT, SMTP_PORT = 8487, 8488


def main() -> None:
    """Both servers, until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(description="mail simulator", add_help=False)
    parser.add_argument("--smtp-port", type=int, default=SMTP_PORT)
    parser.add_argument("--aws-url", default="", help="the local AWS, for what is sent through SES")
    own, sys.argv[1:] = parser.parse_known_args()
    post, switches = Post(), Switches()
    try:
        server = SmtpServer(post, own.smtp_port, switches)
        server.start()
    except OSError:
        sys.exit(f"Port {own.smtp_port} is in use: choose another with --smtp-port.")
    try:
        serve(
            "mail simulator",
            create_app(post, switches, aws_url=own.aws_url),
            default_port=HTTP_PORT,
            page="/inbox",
        )
    finally:
        server.stop()


if __name__ == "__main__":
    main()
