"""A simulator is a stand-in, not a second product: it stays small enough to be read in one sitting."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 400
SIMULATORS = (
    "calendly_simulator",
    "calendly_simulator/scheduling",
    "calendly_simulator/webhooks",
    "chatwoot_simulator",
    "generic_calendar_simulator",
    "google_simulator",
    "google_simulator/calendar",
    "google_simulator/calendar_api",
    "google_simulator/people",
    "mail_simulator",
    "microsoft_simulator",
    "model_simulator",
    "model_simulator/appointments",
    "ses_simulator",
    "smtp_simulator",
)
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def lines_of_code(source: str) -> int:
    """The lines that hold code: without blank lines, comments and docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    spans = [range(one.start[0], one.end[0] + 1) for one in tokens if one.type not in LAYOUT]
    docstrings = [
        range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node) is not None
    ]
    return len(set().union(*spans) - set().union(*docstrings))


def test_only_code_counts() -> None:
    """Two lines here: a signature and a text of its own line that is no docstring."""
    source = (
        '"""About."""\n\n# Why.\ndef one() -> str:\n    """Say it.\n\n    Twice.\n    """\n    return "one"\n'
    )
    assert lines_of_code(source) == 2
    assert lines_of_code('both = """a\nb"""\n') == 2


# What they share (a server, faults on demand, a clock, OAuth) stands outside, in modules of `local`.
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_simulator_has_less_than_400_lines_of_code(simulator: str) -> None:
    """Counted over a package; one that stands inside of it is a simulator of its own."""
    modules = sorted((ROOT / "local" / simulator).glob("*.py"))
    assert 0 < sum(lines_of_code(module.read_text("utf-8")) for module in modules) < LIMIT
