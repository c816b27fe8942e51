"""Files that go with an e-mail: inside its message while small, else by way of the store."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from typing import TYPE_CHECKING, Any

from cli.client import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cli.client import ApiClient

# Of all files together (docs/reference/email.md, "Messages"): what is more is uploaded.
INSIDE_BYTES = 150_000
UNKNOWN = "application/octet-stream"


def attachments(client: ApiClient, company_id: str, files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """What ``attachments`` of a message says of files, those that are too large uploaded by then.

    Raises:
        Refused: the API or the store said no.
        Unreachable: nobody answered.
    """
    room = INSIDE_BYTES
    for file in files:
        content, kind = file.read_bytes(), mimetypes.guess_type(file.name)[0] or UNKNOWN
        described = {"name": file.name, "content_type": kind}
        if len(content) <= room:
            room -= len(content)
            yield {**described, "content": base64.b64encode(content).decode()}
        else:
            yield {**described, "stored": _uploaded(client, company_id, content, kind)}


def _uploaded(client: ApiClient, company_id: str, content: bytes, kind: str) -> dict[str, Any]:
    wish = {
        "company_id": company_id,
        "content_type": kind,
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    place = client.call("POST", path_of("emails", "files"), wish)
    client.upload(place["upload"]["url"], place["upload"]["headers"], content)
    stored: dict[str, Any] = place["stored"]
    return stored
