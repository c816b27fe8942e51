"""How long it takes to make the text of an e-mail out of its HTML, by what the HTML is made of.

Run from the root of the project: ``python -m benchmarks.html_to_text``. Each is as long as a body may be.
Whoever writes a body decides what it is made of, so the slowest counts.
"""

from __future__ import annotations

import time
from statistics import median

from shared.email.message import MAX_BODY_CHARACTERS
from shared.email.plain_text import plain_text

RUNS = 5
PARAGRAPH = "<p>Hola, <b>Ana</b>: <a href='https://x.example/?a=1&amp;b=2'>tu cita</a> es el martes.</p>"
MADE_OF = {
    "ordinary paragraphs": PARAGRAPH,
    "one text": "a",
    "comments that do not end": "<!--",
    "tags that do not end": "<a ",
    "elements within each other": "<b>",
    "lists within each other": "<ol><li>",
    "ends without a beginning": "</i>",
    "references": "&amp;",
}


def seconds(html: str) -> float:
    """Of the processor, the median of some runs."""
    taken = []
    for _ in range(RUNS):
        began = time.process_time()
        plain_text(html)
        taken.append(time.process_time() - began)
    return median(taken)


def main() -> None:
    """Print a line for each."""
    for name, one in MADE_OF.items():
        html = one * (MAX_BODY_CHARACTERS // len(one))
        print(f"{name:28} {seconds(html) * 1000:8.0f} ms")


if __name__ == "__main__":
    main()
