"""How long it takes to have an e-mail sent: our own work, without the network, by the size of the message.

Run from the root of the project: ``python -m benchmarks.enqueue_email``. The table is in memory and the queue
only counts, so DynamoDB's transaction and SQS's answer come on top, once for each e-mail. Whoever asks waits
for no provider: that is the delivery's work.
"""

from __future__ import annotations

import io
import logging
import time
from contextlib import redirect_stdout
from statistics import median, quantiles

from shared.email.message import NewEmail
from shared.email.outbox import Outbox
from shared.platform.clock import SystemClock
from tests.fakes.table import MemoryTable

RUNS = 300
SIZES = {"a line": 100, "a page": 5_000, "the longest": 150_000}


class CountingQueue:
    """Counts."""

    calls = 0

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """See `EmailQueue`."""
        del company_id, email_id, delay_seconds
        self.calls += 1


def milliseconds(outbox: Outbox, text: str, number: int) -> float:
    """One e-mail, read from JSON, checked, written down and queued."""
    begin = time.perf_counter()
    email = NewEmail.parse({"to": ["ana@customers.example"], "subject": "Tu cita", "text": text})
    outbox.enqueue("sol", email, key=f"k{number}")
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    """Print a table."""
    logging.disable(logging.CRITICAL)
    print(f"{'milliseconds':14}{'median':>10}{'95 %':>10}{'queued':>10}")
    for name, size in SIZES.items():
        queue = CountingQueue()
        outbox, text = Outbox(MemoryTable(), queue, SystemClock()), "Hola, Ana. " * (size // 11)
        with redirect_stdout(io.StringIO()):  # metrics are printed
            times = [milliseconds(outbox, text, number) for number in range(RUNS)]
        print(f"{name:14}{median(times):10.2f}{quantiles(times, n=20)[-1]:10.2f}{queue.calls:10}")


if __name__ == "__main__":
    main()
