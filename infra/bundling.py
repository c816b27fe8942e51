"""The two bundles of code, made without Docker (docs/decisions/0002-two-bundles.md).

``door`` holds what the webhook's door imports and nothing else, because Chatwoot waits five seconds for its
answer, cold start included. ``app`` holds everything. Both lie in ``.cache/bundles`` under a hash of what
went into them: installed dependencies apart from our source, so that a change of source costs a second, and
a synthesis with a warm cache needs no network.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from infra import names
from infra.archives import pack
from infra.dependencies import compile_all, install, lambda_target, local_target
from infra.imports import needed_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infra.dependencies import Target
    from infra.stages import Settings

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
DOOR = "door"
APP = "app"
BUNDLE_OF = {
    names.CHATWOOT_WEBHOOK: DOOR,
    names.CONVERSATION_TURNS: APP,
    names.DEAD_LETTERS: APP,
    names.MISSED_MESSAGES: APP,
    names.TOKEN_REFRESH: APP,
    names.CALENDAR_SYNC: APP,
    names.EMAIL_DELIVERY: APP,
    names.APPOINTMENT_REMINDERS: APP,
    names.INTEGRATIONS_API: APP,
}
# Part of every key: raise it when the way bundles are made changes.
_RECIPE = "1"
# Archives that were not used lately go; some are tens of megabytes.
_KEPT = 6
_KEPT_SECONDS = 600


@dataclass(frozen=True)
class Bundle:
    """Code ready to deploy.

    Args:
        archive: the zip file.
        digest: hash of everything that went into it.
    """

    archive: Path
    digest: str


class Bundler(Protocol):
    """Makes bundles; tests of the template pass one that makes empty ones."""

    def bundle(self, name: str) -> Bundle:
        """The bundle ``door`` or ``app``."""
        ...


class CachedBundler:
    """Makes bundles from a source tree, each only once.

    Args:
        target: where they run.
        root: the folder that holds ``functions``, ``shared`` and ``requirements``.
        cache: where they are kept.
    """

    def __init__(self, target: Target, root: Path = ROOT, cache: Path | None = None) -> None:
        self._target = target
        self._root = root
        self._cache = cache or root / ".cache" / "bundles"

    def bundle(self, name: str) -> Bundle:
        """See `Bundler`.

        Raises:
            BundlingError: the dependencies could not be installed.
            ModuleMissing: the door's handler does not exist.
        """
        requirements = self._root / "requirements" / f"{name}.txt"
        files = source_files(self._root, name)
        dependencies = _digest([_RECIPE, self._target.key, requirements.read_bytes()])
        digest = _digest([dependencies, *_contents(self._root, files)])

        def put_sources(archive: Path, folder: Path) -> None:
            below = self._made(f"dependencies-{name}", dependencies, put_dependencies)
            _copy(self._root, files, folder)
            compile_all(folder, self._target)
            pack(folder, archive, onto=below)

        def put_dependencies(archive: Path, folder: Path) -> None:
            install(requirements, self._target, folder)
            pack(folder, archive)

        return Bundle(self._made(name, digest, put_sources), digest)

    def _made(self, kind: str, digest: str, make: Callable[[Path, Path], None]) -> Path:
        """The archive of this digest, made now if it is not there; a half-made one never carries the name."""
        final = self._cache / f"{kind}-{digest}.zip"
        if final.exists():
            final.touch()
            return final
        started = time.monotonic()
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache) as scratch:
            archive, folder = Path(scratch, "bundle.zip"), Path(scratch, "content")
            folder.mkdir()
            make(archive, folder)
            archive.replace(final)
        size = final.stat().st_size / 1e6
        seconds = time.monotonic() - started
        log.info("bundled %s for %s: %.1f MB in %.1f s", kind, self._target.name, size, seconds)
        self._forget_old(kind)
        return final

    def _forget_old(self, kind: str) -> None:
        found = sorted(self._cache.glob(f"{kind}-*.zip"), key=_age_seconds)
        for archive in found[_KEPT:]:
            if _age_seconds(archive) > _KEPT_SECONDS:
                archive.unlink(missing_ok=True)


def bundler_for(settings: Settings) -> Bundler:
    """The bundler of a deployment."""
    target = lambda_target() if settings.stage.on_aws else local_target(settings.local_python)
    return CachedBundler(target)


def source_files(root: Path, bundle: str) -> list[Path]:
    """Our own files of a bundle: for the door what it imports, for the app everything deployable."""
    if bundle == DOOR:
        return needed_files(root, f"functions.{names.CHATWOOT_WEBHOOK}.handler")
    return sorted(
        file
        for folder in ("functions", "shared")
        for file in (root / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )


def _copy(root: Path, files: Iterable[Path], folder: Path) -> None:
    for file in files:
        destination = folder / file.relative_to(root)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, destination)


def _contents(root: Path, files: Iterable[Path]) -> list[str | bytes]:
    return [part for file in files for part in (file.relative_to(root).as_posix(), file.read_bytes())]


def _digest(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)  # lengths keep ("ab", "c") apart from ("a", "bc")
    return digest.hexdigest()[:32]


def _age_seconds(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")  # another synthesis was quicker to forget it
