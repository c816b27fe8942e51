"""``frontdesk email send --attach``: small files inside the message, large ones uploaded first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from flask import Flask, Response, request

from cli.main import main
from local.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Desk:
    """An API and a store that note what comes, and a terminal."""

    def __init__(self) -> None:
        self.app, self.base_url = Flask(__name__), ""
        self.wishes: list[dict[str, object]] = []
        self.messages: list[dict[str, object]] = []
        self.uploads: list[tuple[bytes, str | None, str | None]] = []
        self.store_answers = 200
        self.app.post("/api/emails/files")(self.place)
        self.app.post("/api/emails")(self.take)
        self.app.put("/store")(self.keep)

    def place(self) -> dict[str, object]:
        """Give out a place."""
        self.wishes.append(request.get_json())
        headers = {"x-amz-checksum-sha256": "c", "If-None-Match": "*"}
        upload = {"method": "PUT", "url": f"{self.base_url}/store", "headers": headers}
        return {"stored": {"key": "company/sol/file/a"}, "upload": upload}

    def take(self) -> dict[str, str]:
        """Take an e-mail in."""
        self.messages.append(request.get_json()["message"])
        return {"email_id": "em-1", "status": "queued"}

    def keep(self) -> Response:
        """Take a file."""
        headers = request.headers
        self.uploads.append((request.data, headers.get("If-None-Match"), headers.get("Authorization")))
        return Response(status=self.store_answers)

    def send(self, *files: Path) -> tuple[int, str]:
        """Type the command; its status and what it says."""
        words = [word for file in files for word in ("--attach", str(file))]
        result = CliRunner().invoke(
            main,
            ["email", "send", "sol", "--to", "ana@cliente.example", "--subject", "Plan", *words],
            input="Hola",
            env={"FRONTDESK_API_URL": self.base_url, "FRONTDESK_API_KEY": "fd_sol.a.b"},
        )
        return result.exit_code, result.output


@pytest.fixture
def desk() -> Iterator[Desk]:
    """It runs."""
    made = Desk()
    with Server(made.app) as server:
        made.base_url = server.base_url
        yield made


def test_files_take_the_way_that_fits_their_size(desk: Desk, tmp_path: Path) -> None:
    """The API key goes to the API alone; what the message says is what was uploaded."""
    small, large, unknown = tmp_path / "a.pdf", tmp_path / "b.png", tmp_path / "c.zzz"
    small.write_bytes(b"small")
    large.write_bytes(bytes(150_000))
    unknown.write_bytes(b"more")
    status, output = desk.send(small, large, unknown)
    assert (status, output) == (0, "Queued as em-1.\n")
    [message] = desk.messages
    assert message["attachments"] == [
        {"name": "a.pdf", "content_type": "application/pdf", "content": "c21hbGw="},
        {"name": "b.png", "content_type": "image/png", "stored": {"key": "company/sol/file/a"}},
        {"name": "c.zzz", "content_type": "application/octet-stream", "content": "bW9yZQ=="},
    ]
    assert desk.uploads == [(bytes(150_000), "*", None)]
    [wish] = desk.wishes
    assert (wish["size_bytes"], wish["content_type"]) == (150_000, "image/png")


def test_nothing_is_sent_where_the_store_refuses(desk: Desk, tmp_path: Path) -> None:
    """In words, with the store's status."""
    desk.store_answers = 403
    file = tmp_path / "b.png"
    file.write_bytes(bytes(200_000))
    status, output = desk.send(file)
    assert (status, "403" in output, desk.messages) == (1, True, [])
