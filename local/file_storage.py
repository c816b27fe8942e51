"""The files of a simulated Chatwoot: a public address that stays, and behind its redirect one that does not.

``POST /simulator/files?file_type=&name=&content_type=`` takes a file's bytes and gives an attachment as
events show it, to be sent with a customer's message. For what goes wrong: ``missing`` is how many downloads
find nothing yet, ``location`` leads the redirect elsewhere.
Source of the addresses: Rails guide "Active Storage Overview", sections "Redirect mode" and "Disk service".
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, redirect, request

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

WORKS_SECONDS = 300
_BLOBS = "/rails/active_storage/blobs/redirect/<signed_id>/<path:name>"
_DISK = "/rails/active_storage/disk/<key>/<path:name>"
Row = dict[str, Any]


@dataclass
class StoredFile:
    """A file: ``missing`` downloads find nothing before one finds it; the redirect leads to ``location``."""

    content_type: str
    data: bytes
    missing: int
    location: str


class FileStorage:
    """Every file of one installation; `routes` serve them."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}
        self._works_until: dict[str, tuple[StoredFile, float]] = {}
        self._numbers = count(3301)
        self.routes = Blueprint("files", __name__)
        self.routes.add_url_rule("/simulator/files", view_func=self.keep, methods=["POST"])
        self.routes.add_url_rule(_BLOBS, view_func=self.lead_on)
        self.routes.add_url_rule(_DISK, view_func=self.give)

    def keep(self) -> Row:
        """Store the request's body; the answer is an attachment."""
        given, signed_id = request.args, secrets.token_urlsafe(30)
        name, file_type = given.get("name", "file"), given.get("file_type", "file")
        stored = StoredFile(
            given.get("content_type", "application/octet-stream"),
            request.get_data(),
            given.get("missing", 0, int),
            given.get("location", ""),
        )
        self._files[signed_id] = stored
        inline = "?disposition=inline" if file_type == "audio" else ""
        address = f"{request.host_url}rails/active_storage/blobs/redirect/{signed_id}/{quote(name)}{inline}"
        return {
            "id": next(self._numbers),
            "file_type": file_type,
            "extension": PurePosixPath(name).suffix.lstrip(".") or None,
            "content_type": stored.content_type,
            "data_url": address,
            "thumb_url": "",
            "file_size": len(stored.data),
            "width": None,
            "height": None,
            **({"transcribed_text": ""} if file_type == "audio" else {}),
        }

    def lead_on(self, signed_id: str, name: str) -> Answer:
        """The address that stays: it asks for no token, and redirects before the file is there."""
        stored = self._files.get(signed_id) or abort(404)
        key = secrets.token_urlsafe()
        self._works_until[key] = (stored, time.monotonic() + WORKS_SECONDS)
        return redirect(stored.location or f"/rails/active_storage/disk/{key}/{quote(name)}", 302)

    def give(self, key: str, name: str) -> Response:
        """The file itself, for five minutes."""
        stored, until = self._works_until.get(key) or abort(404)
        if time.monotonic() > until or stored.missing > 0:
            stored.missing -= 1
            abort(404)
        headers = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}"}
        return Response(stored.data, content_type=stored.content_type, headers=headers)
