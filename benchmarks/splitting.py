"""How long it takes to make long texts fit: in parts per channel, and for texts made to be slow.

Run from the root of the project: ``python -m benchmarks.splitting``. The time should grow with the text's
length and not with its square.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from shared.chatwoot.text.channels import Limit, Unit
from shared.chatwoot.text.fit import fit
from shared.chatwoot.text.splitting import split

if TYPE_CHECKING:
    from collections.abc import Callable

PROSE = "El tratamiento cuesta **150 €** y dura unos meses. Pida cita en [la web](https://a.b/c). "
SHAPES = {
    "prose": PROSE,
    "one word": "a",
    "short words": "a ",
    "spaces": " ",
    "brackets": "[",
    "backticks": "` ",
    "stars": "** a",
    "numbers": "1. ",
    "accents": "\u0301",
    "flags": "🇪🇸",
    "lists": "\n- a",
}
LENGTHS = (10_000, 50_000, 150_000)


def milliseconds(work: Callable[[], object]) -> float:
    """How long one run takes."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    """Print a table."""
    sms = Limit(320, Unit.UTF16)
    print(f"{'milliseconds for':20}" + "".join(f"{f'{length:,}':>24}" for length in LENGTHS))
    print(f"{'':20}" + f"{'split at 320':>14}{'WhatsApp':>10}" * len(LENGTHS))
    for name, shape in SHAPES.items():
        row = f"{name:20}"
        for length in LENGTHS:
            text = "a" + (shape * (length // len(shape)))[: length - 2] + "a"
            cutting = milliseconds(partial(split, text, sms))
            fitting = milliseconds(partial(fit, text, "Channel::Whatsapp"))
            row += f"{cutting:14.0f}{fitting:10.0f}"
        print(row)


if __name__ == "__main__":
    main()
