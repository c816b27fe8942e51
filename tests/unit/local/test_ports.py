from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from local.failure import Failure
from local.ports import Ports, answers, is_free

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def taken() -> Iterator[int]:
    """The number of a port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_neighbours_follow_the_first() -> None:
    """In an order that people and scripts know."""
    ports = Ports(9000)

    assert ports.all == (
        ports.api,
        ports.aws,
        ports.chatwoot,
        ports.model,
        ports.google,
        ports.calendly,
        ports.generic_calendar,
        ports.mail,
        ports.smtp,
        ports.microsoft,
    )
    assert ports.all == tuple(range(9000, 9010))


def test_a_port_in_use_is_named_with_what_to_do(taken: int) -> None:
    """The person learns which port it is, how to stop an earlier run and how to choose another."""
    with pytest.raises(Failure) as refused:
        Ports(taken - 2).require_free()

    assert refused.value.sentence.startswith("Port")
    assert str(taken) in refused.value.sentence.split(" in use")[0]
    assert "python -m local down" in refused.value.sentence
    assert f"--port {taken - 2 + 100}" in refused.value.sentence


def test_a_listened_port_is_not_free_and_answers(taken: int) -> None:
    """The two questions about a port agree while somebody listens."""
    assert not is_free(taken)
    assert answers(taken)


def test_a_port_is_free_again_right_after_its_server_ended() -> None:
    """A second run right after the first must not wait for connections that are winding down."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)

    assert is_free(port)
    assert not answers(port)
