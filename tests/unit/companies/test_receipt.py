"""The receipt of a forgetting."""

from __future__ import annotations

from datetime import UTC, datetime

from infra.stages import STAGES
from shared.companies.receipt import (
    LOGS,
    Receipt,
    Remains,
    receipt_lines,
    remains_everywhere,
    removed_lines,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_a_receipt_says_what_is_gone_and_what_remains_until_when() -> None:
    """For programs and for people."""
    removed = removed_lines({"conversations": 12, "API keys": 0})
    receipt = Receipt("company sol", NOW.isoformat(), removed=removed, remains=remains_everywhere(NOW))
    told = receipt.as_dict()
    assert told["removed"] == [{"what": "conversations", "count": 12}]
    assert [line["until"][:10] for line in told["remains"]] == ["2026-12-28", "2026-12-07", "2027-02-21"]
    lines = receipt_lines(told)
    assert lines[0] == "company sol, 2026-11-23T09:00:00+00:00"
    assert "  removed       12  conversations" in lines
    assert not any("API keys" in line or "not finished" in line for line in lines)


def test_an_unfinished_receipt_says_so_and_what_is_left_to_people() -> None:
    """So that nobody takes the first half for the whole."""
    receipt = Receipt(
        "company sol", "now", complete=False, remains=(Remains("x", "forever"),), by_hand=("Do.",)
    )
    assert receipt_lines(receipt.as_dict())[1:] == [
        "  remains  until forever: x",
        "  by hand  Do.",
        "  not finished: the same request goes on where this one stopped",
    ]


def test_logs_are_not_kept_longer_than_the_receipt_says() -> None:
    """The stages' own numbers."""
    assert max(stage.log_days for stage in STAGES.values()) == LOGS.days
