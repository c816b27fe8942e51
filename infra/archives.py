"""Zip files that come out the same whenever their contents are the same."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The oldest date a zip file can hold: contents, not times, tell two bundles apart.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_MODE_FILE = 0o100644 << 16


def pack(folder: Path, archive: Path, *, onto: Path | None = None) -> None:
    """Write everything below a folder into a zip file.

    Args:
        folder: what to pack; names in the archive are relative to it.
        archive: the zip file to write.
        onto: an archive whose contents come first, copied as they are (already compressed).
    """
    if onto is not None:
        shutil.copyfile(onto, archive)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _NO_DATE)
            entry.external_attr = _MODE_FILE
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, file.read_bytes())
