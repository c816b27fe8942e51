"""One part of the set-up: made once, and again when what it is made from changed. Standard library only."""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import TYPE_CHECKING

from local.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# How pip, uv and npm say that they could not reach anything.
_NETWORK_SIGNS = (
    "name resolution",
    "dns error",
    "failed to lookup address",
    "network is unreachable",
    "connection refused",
    "connecttimeout",
    "newconnectionerror",
    "enotfound",
    "econnrefused",
    "etimedout",
    "eai_again",
    "error sending request",
    "tcp connect error",
    "from versions: none",
)


class Part:
    """Something the set-up makes.

    Args:
        what: what making it is, in a few words.
        stamp: the file that remembers what it was made from.
        sources: the values it is made from; files by their contents.
        steps: makes it.
        proof: a file that must exist for it to count as made.
    """

    def __init__(
        self,
        what: str,
        *,
        stamp: Path,
        sources: Sequence[str | Path],
        steps: Callable[[], None],
        proof: Path,
    ) -> None:
        self.what = what
        self._stamp = stamp
        self._fingerprint = fingerprint(sources)
        self._steps = steps
        self._proof = proof

    def is_current(self) -> bool:
        """Whether it is there and was made from what is there now."""
        return self._proof.exists() and self._stamp.exists() and self._stamp.read_text() == self._fingerprint

    def make(self) -> None:
        """Make it; the stamp comes last, so that half of it never counts.

        Raises:
            Failure: it could not be made.
        """
        self._stamp.unlink(missing_ok=True)
        self._steps()
        self._stamp.parent.mkdir(parents=True, exist_ok=True)
        self._stamp.write_text(self._fingerprint)


def fingerprint(sources: Sequence[str | Path]) -> str:
    """A hash over texts and files' contents, in order."""
    digest = hashlib.sha256()
    for source in sources:
        content = source.encode() if isinstance(source, str) else source.read_bytes()
        digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()


def run(
    command: Sequence[str | Path], log: Path, cwd: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command, its output appended to the log.

    Raises:
        Failure: it ended with an error, or does not exist.
    """
    words = [str(word) for word in command]
    with log.open("ab") as out:
        out.write(("$ " + " ".join(words) + "\n").encode())
        out.flush()
        began = out.tell()
        try:
            status = subprocess.run(  # noqa: S603 - our own tools with our own arguments
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                check=False,
            ).returncode
        except OSError as error:
            raise Failure(f"{words[0]} cannot be run: {error.strerror}.", log) from error
    if status:
        raise Failure(_explain(words, log.read_bytes()[began:].decode("utf-8", "replace")), log)


def _explain(words: Sequence[str], output: str) -> str:
    if any(sign in output.lower() for sign in _NETWORK_SIGNS):
        return "The packages could not be fetched: check the network (or its proxy), then try again."
    if "no space left" in output.lower():
        return "The disk is full: make room, then try again."
    return f"Installing failed at `{' '.join(words[:4])} …`: its last lines stand above."
