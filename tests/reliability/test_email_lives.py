"""Whatever goes wrong in the life of an e-mail, what the table says of it is true."""

from __future__ import annotations

import pytest

from shared.email.records import State
from tests.reliability.email_lives import Life, lived
from tests.reliability.email_rules import RULES

LIVES = 400


@pytest.mark.parametrize("first", range(0, LIVES, 100))
def test_nobody_gets_an_e_mail_twice_unless_it_is_told_and_every_one_comes_to_an_end(first: int) -> None:
    """Two providers that answer anything, workers that die anywhere, reports and resends at any time."""
    assert [problem for seed in range(first, first + 100) for problem in lived(seed)] == []


def test_the_rules_notice_what_should_not_be() -> None:
    """Otherwise they could not fail."""
    life = Life(1)
    email_id = life.write()
    record = life.record(email_id)
    assert record is not None
    life.calm = True
    for _ in range(3):
        life.took(email_id, "first", ["marta@example.org"])
    life.asked[email_id] += [("first", "lost"), ("second", "accept")]
    broken = {name for name, rule in RULES.items() if not rule(life, record)}
    assert record.state is State.QUEUED
    assert broken == {
        "it ended",
        "a second copy is told",
        "at most two copies by itself",
        "nobody else is asked after a doubt",
        "each address once, or it is told",
    }
