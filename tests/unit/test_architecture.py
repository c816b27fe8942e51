"""What import-linter cannot say: which parts of outside packages the program's own parts may know."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Names of Lambda's events and of the tools that unpack them.
LAMBDA_EVENTS = (
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.utilities.typing",
)
MOST_HANDLER_LINES = 60


def _imports(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def _forbidden(source: str) -> list[str]:
    return sorted(name for name in _imports(source) if name.startswith(LAMBDA_EVENTS))


def test_shared_knows_nothing_of_lambda_events() -> None:
    """So that everything in it runs and is tested without Lambda."""
    offenders = {
        str(path.relative_to(ROOT)): _forbidden(path.read_text())
        for path in (ROOT / "shared").rglob("*.py")
        if _forbidden(path.read_text())
    }
    assert offenders == {}


def test_the_check_notices_an_import_of_lambda_events() -> None:
    """Otherwise the test above could not fail."""
    assert _forbidden("from aws_lambda_powertools.event_handler import APIGatewayHttpResolver")


def test_handlers_are_thin() -> None:
    """Read the event, call one thing in shared, translate the outcome."""
    handlers = sorted((ROOT / "functions").glob("*/handler.py"))
    assert len(handlers) >= 4
    lengths = {path.parent.name: len(path.read_text().splitlines()) for path in handlers}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_HANDLER_LINES} == {}
