"""What a read from the vault costs beside Fernet's: CPU time, medians, and the calls that each read makes.

Run from the root of the project: ``python -m benchmarks.vault``. The table and KMS are in memory here, so a
cold read shows our own work; what KMS and DynamoDB add is their answer's time, once per call that is counted.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet

from shared.credentials.vault import Vault
from shared.platform.clock import SystemClock
from shared.platform.secret import Secret
from tests.fakes.kms import MemoryKms
from tests.fakes.table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "ya29." + "t" * 180  # as long as Google's access tokens
ROUNDS, READS = 15, 400


class CountingTable(MemoryTable):
    """Counts reads."""

    reads = 0

    def get(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed through
        """See `Table`."""
        self.reads += 1
        return super().get(*args, **kwargs)


def cpu_microseconds(work: Callable[[], object]) -> float:
    """The median over rounds of the CPU time of one run."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(READS):
            work()
        rounds.append((time.process_time() - begin) / READS * 1e6)
    return median(rounds)


def main() -> None:
    """Print a table."""
    kms, table, clock = MemoryKms(), CountingTable(), SystemClock()

    def vault() -> Vault:
        return Vault(kms, table, "key", clock)  # type: ignore[arg-type]

    warm = vault()
    sealed = warm.seal("sol", "google", "access_token", Secret(TOKEN))
    fernet = Fernet(Fernet.generate_key())
    token = fernet.encrypt(TOKEN.encode())
    kms.calls.clear()
    table.reads = 0
    lines = [("Fernet, opening", cpu_microseconds(lambda: fernet.decrypt(token)), "-", "-")]
    for name, read in (
        ("vault, opening warm", lambda: warm.open("sol", "google", "access_token", sealed)),
        ("vault, opening cold", lambda: vault().open("sol", "google", "access_token", sealed)),
    ):
        kms.calls.clear()
        table.reads = 0
        took = cpu_microseconds(read)
        opened = ROUNDS * READS
        lines.append((name, took, f"{kms.calls['decrypt'] / opened:.3f}", f"{table.reads / opened:.3f}"))
    lines.append(("Fernet, sealing", cpu_microseconds(lambda: fernet.encrypt(TOKEN.encode())), "-", "-"))
    sealing = cpu_microseconds(lambda: warm.seal("sol", "google", "access_token", Secret(TOKEN)))
    lines.append(("vault, sealing warm", sealing, "0", "(query)"))
    print(f"{'':22}{'CPU µs':>8}{'Fernet opening = 1':>20}{'KMS calls':>11}{'key reads':>11}")
    for name, took, calls, reads in lines:
        print(f"{name:22}{took:8.1f}{took / lines[0][1]:20.2f}{calls:>11}{reads:>11}")
    print(f"\nstored: {len(sealed)} bytes, by Fernet {len(token)}, of a token of {len(TOKEN)}")


if __name__ == "__main__":
    main()
