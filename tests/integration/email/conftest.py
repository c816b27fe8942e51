"""Simulators that tests of e-mail share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.mail import VENDORS, Bench, Benches

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def benches() -> Iterator[Benches]:
    """All simulators, running."""
    with Benches() as running:
        yield running


@pytest.fixture(params=VENDORS)
def bench(benches: Benches, request: pytest.FixtureRequest) -> Bench:
    """Each vendor in turn."""
    return benches.bench(request.param)


@pytest.fixture
def smtp(benches: Benches) -> Bench:
    """The mail server alone."""
    return benches.bench("smtp")
