"""The fault table: every vendor times everything that can go wrong. ``make email-failures``.

``--write`` puts the table into docs/reference/email-failures.md; a test fails while they differ.
"""

from __future__ import annotations

import io
import logging
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.platform.observability import log
from tests.integration.email.failures import Verdict, failures
from tests.integration.email.office import Office
from tests.support.mail import VENDORS, Benches

if TYPE_CHECKING:
    from shared.companies.email import Kind
    from tests.integration.email.failures import Failure
    from tests.support.mail import Bench

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "email-failures.md"
BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"
TITLES = {"smtp": "SMTP", "sendgrid": "SendGrid", "mailgun": "Mailgun", "ses": "Amazon SES"}
COLUMNS = (
    "what goes wrong",
    "outcome",
    "lasts",
    "state",
    "who has it",
    "asked",
    "mails",
    "Message-IDs",
    "`possible_duplicate`",
    "a reminder",
)
# A mail whose answer nobody waits for may arrive a moment after its sender gave up.
_STRAGGLERS_SECONDS = 5.0


@dataclass(frozen=True)
class Result:
    """What became of an e-mail.

    Args:
        outcome: what the first provider's first answer was taken for.
        state: what the ledger says when nothing more happens.
        provider: who was asked last; empty: nobody has it.
        asked: how often the first and the second provider were asked.
        mails: how many arrived.
        identities: how many Message-IDs they have.
        possible_duplicate: whether the ledger admits that there may be two.
    """

    outcome: str
    state: str
    provider: str
    asked: tuple[int, int]
    mails: int
    identities: int
    possible_duplicate: bool = False


def expected(failure: Failure, *, lasting: bool, kind: Kind = "transactional") -> Result:
    """What has to become of it."""
    verdict, outcome = failure.verdict, failure.verdict.value.partition(",")[0]
    if verdict.nobody_knows:
        return _doubtful(outcome, int(failure.taken), lasting=lasting, kind=kind)
    if verdict is Verdict.NO_RECIPIENT:
        return Result(outcome, "REJECTED", "", (1, 0), 0, 0)
    provider, asked = "first", (1, 0)
    if verdict is Verdict.PASSING:
        provider, asked = ("second", (3, 1)) if lasting else ("first", (2, 0))
    elif verdict in {Verdict.ACCOUNT, Verdict.MESSAGE, Verdict.UNSUPPORTED}:
        provider, asked = "second", (1, 1)
    return Result(outcome, "ACCEPTED", provider, asked, 1, 1)


def _doubtful(outcome: str, taken: int, *, lasting: bool, kind: Kind) -> Result:
    if kind == "reminder":
        return Result(outcome, "UNKNOWN", "first", (1, 0), taken, taken)
    if lasting:
        return Result(outcome, "UNKNOWN", "first", (2, 0), 2 * taken, taken, possible_duplicate=True)
    return Result(outcome, "ACCEPTED", "first", (2, 0), 1 + taken, 1, possible_duplicate=True)


def play(bench: Bench, failure: Failure, *, lasting: bool, kind: Kind = "transactional") -> Result:
    """Send an e-mail while something goes wrong, once or for ever."""
    times = None if lasting else 1
    if failure.fault:
        bench.fail(times=times, **failure.fault)
    office = Office(bench, bend=failure.bend, bends=times)
    reported = failure.verdict is Verdict.REPORTED
    record = office.delivered(failure.message(), kind, reported=reported)
    mails = _arrived(bench, expected(failure, lasting=lasting, kind=kind).mails)
    asked = office.outside.asked
    return Result(
        office.outside.outcomes[0],
        record.state.value,
        "" if record.state == "REJECTED" else record.provider,
        (asked["first"], asked["second"]),
        len(mails),
        len(set(mails)),
        record.possible_duplicate,
    )


def _arrived(bench: Bench, at_least: int) -> list[str]:
    """The Message-IDs of the mails that arrived."""
    ends_at = time.monotonic() + _STRAGGLERS_SECONDS
    while len(bench.mails()) < at_least and time.monotonic() < ends_at:
        time.sleep(0.01)
    return [dict(mail["headers"])["Message-ID"] for mail in bench.mails()]


def played(benches: Benches, vendor: str, failure: Failure) -> list[str]:
    """A failure's lines of the page, as it is.

    Raises:
        AssertionError: it is not as it has to be.
    """
    found = {}
    cases: tuple[tuple[str, bool, Kind], ...] = (
        ("once", False, "transactional"),
        ("for ever", True, "transactional"),
        ("a reminder", False, "reminder"),
    )
    for name, lasting, kind in cases:
        result = play(benches.bench(vendor), failure, lasting=lasting, kind=kind)
        wanted = expected(failure, lasting=lasting, kind=kind)
        assert result == wanted, f"{vendor}, {failure.what}, {name}: {result} instead of {wanted}"
        found[name] = result
    return lines(failure, found["once"], found["for ever"], found["a reminder"])


def lines(failure: Failure, once: Result, lasting: Result, reminder: Result) -> list[str]:
    """A failure's lines of the page."""
    one = f"`{reminder.state}`, {_mails(reminder)}"
    return [
        _line(failure.what, _outcome(failure), "once", once, one),
        _line("", "", "for ever", lasting, ""),
    ]


def _line(what: str, outcome: str, lasts: str, result: Result, reminder: str) -> str:
    has = {"": "nobody", **({"first": "perhaps first"} if result.state == "UNKNOWN" else {})}
    asked = " + ".join(str(times) for times in result.asked if times)
    cells = (
        what,
        outcome,
        lasts,
        f"`{result.state}`",
        has.get(result.provider, result.provider),
        asked,
        str(result.mails),
        str(result.identities),
        "yes" if result.possible_duplicate else "no",
        reminder,
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _outcome(failure: Failure) -> str:
    name, space, rest = failure.verdict.value.replace(",", " ,").partition(" ")
    return name if failure.verdict is Verdict.DIED else f"`{name}`{space}{rest}".replace(" ,", ",")


def _mails(result: Result) -> str:
    return f"{result.mails} mail{'' if result.mails == 1 else 's'}"


def section(vendor: str, rows: list[str]) -> list[str]:
    """A vendor's part of the page."""
    head = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    return [f"### {TITLES[vendor]}", "", *head, *rows, ""]


def main() -> int:
    """Print the table; with ``--write`` put it into the page as well."""
    log.setLevel(logging.CRITICAL)
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    written: list[str] = []
    with Benches() as benches, redirect_stdout(io.StringIO()):  # metrics are printed
        for vendor in VENDORS:
            rows = [line for failure in failures(vendor) for line in played(benches, vendor, failure)]
            written += section(vendor, rows)
    print("\n".join(written))  # noqa: T201 - a command that prints
    if "--write" in sys.argv:
        text = PAGE.read_text("utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(written) + f"{END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
