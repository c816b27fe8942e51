"""Lines and paragraphs as they are written one after the other."""

from __future__ import annotations

import re

PARAGRAPH = 2  # line ends


class Lines:
    """The text so far. Breaks, and marks of lists, wait until there is something to say behind them.

    Attributes:
        parts: what was written, in its order.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._ends = 0
        self._mark = ""
        self._behind_link = False

    def write(self, words: str) -> None:
        """Go on with the line."""
        if not words.strip():
            if words and not self._ends:
                self.parts.append(" ")
                self._behind_link = False
            return
        # Else what follows would read as a part of the link.
        between = " " if self._behind_link and (words[0].isalnum() or words[0] == "(") else ""
        self.parts.append("\n" * self._ends + self._mark + between + words)
        self._ends, self._mark, self._behind_link = 0, "", False

    def gap(self, ends: int) -> None:
        """What follows begins at least so many line ends below; but right behind a mark it stays there."""
        if not self._mark:
            self._ends = max(self._ends, ends)

    def line_end(self) -> None:
        """One more, as far as there is no paragraph between."""
        self.gap(min(self._ends + 1, PARAGRAPH))

    def mark(self, mark: str) -> None:
        """Begin an item of a list."""
        self.gap(1)
        self._mark = mark

    def tell_link(self, target: str, since: int) -> None:
        """Say where the link leads whose words are the parts since then, if they do not say so."""
        shown = "".join(self.parts[since:]).strip()
        if not shown:
            self.write(target)
        elif target not in shown:
            self.parts.append(f" ({target})")  # beside the words, above what waits
        self._behind_link = True

    def text(self) -> str:
        """All of it."""
        lines = [" ".join(line.split()) for line in "".join(self.parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
