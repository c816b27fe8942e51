"""Faults on demand, the page, and the command."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from local.chatwoot_simulator.app import create_app
from local.serving import Server
from tests.support.chatwoot import ChatwootHandle, eventually

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def post(chatwoot: ChatwootHandle) -> Callable[[], requests.Response]:
    """Posts a message into a new conversation."""
    conversation = chatwoot.customer_writes("Hola", inbox="Website").conversation_id
    return lambda: chatwoot.api("POST", f"/conversations/{conversation}/messages", {"content": "Buenas"})


def test_a_status_fault_does_nothing_and_is_used_up(
    chatwoot: ChatwootHandle, post: Callable[[], requests.Response]
) -> None:
    """Two refusals, then it works; only one message was stored."""
    chatwoot.message_fault(status=503, times=2)
    assert [post().status_code for _ in range(3)] == [503, 503, 200]
    assert len(chatwoot.conversation(1)["messages"]) == 2


def test_the_limiters_429_is_a_text(chatwoot: ChatwootHandle, post: Callable[[], requests.Response]) -> None:
    """Not JSON, and without Retry-After."""
    chatwoot.message_fault(status=429)
    answer = post()
    assert (answer.text, "Retry-After" in answer.headers) == ("Retry later\n", False)


def test_a_dropped_answer_leaves_the_message_stored(
    chatwoot: ChatwootHandle, post: Callable[[], requests.Response]
) -> None:
    """The caller cannot know; the customer has the message."""
    chatwoot.message_fault(drop_after=True)
    with pytest.raises(requests.ConnectionError):
        post()
    eventually(lambda: chatwoot.customer_sees(1) == ["Buenas"])
    assert chatwoot.calls("POST", "/messages")[-1]["status"] is None


def test_a_request_that_is_cut_does_nothing(
    chatwoot: ChatwootHandle, post: Callable[[], requests.Response]
) -> None:
    """The caller cannot tell it from a lost answer."""
    chatwoot.message_fault(drop_before=True)
    with pytest.raises(requests.ConnectionError):
        post()
    assert chatwoot.calls("POST", "/messages") == []
    assert post().status_code == 200


def test_an_answer_that_is_cut_has_begun(
    chatwoot: ChatwootHandle, post: Callable[[], requests.Response]
) -> None:
    """The message is stored; what came is no whole answer."""
    chatwoot.message_fault(cut_answer=True)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        post()
    eventually(lambda: chatwoot.customer_sees(1) == ["Buenas"])


def test_a_delay_comes_before_or_after_the_call_is_done(
    chatwoot: ChatwootHandle, post: Callable[[], requests.Response]
) -> None:
    """With ``answer_delay_seconds`` the message is there while the caller still waits."""
    for name in ("delay_seconds", "answer_delay_seconds"):
        chatwoot.message_fault(**{name: 0.3})
        started = time.monotonic()
        assert post().status_code == 200
        assert time.monotonic() - started > 0.29


def test_a_dripping_answer_is_whole_in_the_end(
    chatwoot: ChatwootHandle, post: Callable[[], requests.Response]
) -> None:
    """One byte at a time, with the right length announced."""
    chatwoot.message_fault(drip_bytes_per_second=4000)
    started = time.monotonic()
    assert post().json()["content"] == "Buenas"
    assert time.monotonic() - started > 0.05


def test_a_fault_meets_only_its_method_and_path(
    chatwoot: ChatwootHandle, post: Callable[[], requests.Response]
) -> None:
    """``*`` stands for one segment; other calls go through, and nothing is left when all are switched off."""
    chatwoot.faults({"path": "/api/v1/accounts/*/conversations/*", "status": 500, "times": None})
    assert post().status_code == 200
    assert chatwoot.api("GET", "/conversations/1").status_code == 500
    chatwoot.faults()
    assert chatwoot.api("GET", "/conversations/1").status_code == 200


def test_a_misspelled_fault_is_refused(chatwoot: ChatwootHandle) -> None:
    """A test that believes in a fault which does not happen proves nothing."""
    with pytest.raises(AssertionError, match="statsu"):
        chatwoot.message_fault(statsu=500)


def test_the_page_comes_from_here_only_and_forms_of_other_sites_are_refused(
    chatwoot: ChatwootHandle,
) -> None:
    """A policy against foreign sources; no request without JSON; no foreign host name."""
    page = requests.get(f"{chatwoot.base_url}/desk", timeout=10)
    policy = page.headers["Content-Security-Policy"]
    form = requests.post(f"{chatwoot.base_url}/simulator/accounts", data={"name": "x"}, timeout=10)
    host = requests.get(f"{chatwoot.base_url}/desk", headers={"Host": "evil.example"}, timeout=10)
    assert page.status_code == 200
    assert "http://" not in page.text
    assert policy.startswith("default-src 'self'")
    assert (form.status_code, host.status_code) == (415, 400)


def test_people_on_the_desk_meet_no_faults_and_are_not_counted(chatwoot: ChatwootHandle) -> None:
    """Their calls go to the same API by another path."""
    conversation = chatwoot.customer_writes("Hola").conversation_id
    chatwoot.faults({"times": None, "status": 500})
    chatwoot.agent_replies(conversation, "Buenas")
    assert chatwoot.calls() == []


def test_the_calls_that_arrived_are_remembered_with_their_bodies(
    chatwoot: ChatwootHandle, post: Callable[[], requests.Response]
) -> None:
    """Until they are forgotten."""
    post()
    (call,) = chatwoot.calls("POST", "/messages")
    assert (call["request"], call["status"]) == ({"content": "Buenas"}, 200)
    assert requests.delete(f"{chatwoot.base_url}/simulator/calls", timeout=10).json() == []


def test_a_server_closes_in_the_middle_of_a_drip() -> None:
    """Nobody waits for the rest, and no thread or socket stays."""
    with socket.socket() as dripping, Server(create_app()) as server:
        with ChatwootHandle(server.base_url) as handle:
            handle.faults({"drip_bytes_per_second": 1})
        dripping.connect(("127.0.0.1", int(server.base_url.rsplit(":", 1)[1])))
        dripping.sendall(b"GET /api/v1/profile HTTP/1.0\r\n\r\n")
        assert dripping.recv(1) == b"H"
        started = time.monotonic()
    assert time.monotonic() - started < 10


def test_the_command_serves_and_says_when_its_port_is_taken(chatwoot: ChatwootHandle) -> None:
    """A sentence with the remedy, not a traceback."""
    port = chatwoot.base_url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "local.chatwoot_simulator", "--port", port]
    root = Path(__file__).parents[3]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - our own program
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith(f"Port {port} is in use: choose another with --port.")
    assert "Traceback" not in ended.stderr
