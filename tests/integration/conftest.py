"""Servers on the loopback interface that integration tests talk to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.chatwoot_simulator.app import create_app
from local.serving import Server
from tests.support.chatwoot import ChatwootHandle

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def chatwoot() -> Iterator[ChatwootHandle]:
    """A Chatwoot with one account, and a handle to play its customers and agents."""
    simulator = create_app(retry_wait_seconds=0.05)
    with Server(simulator) as server, ChatwootHandle(server.base_url) as handle:
        yield handle
