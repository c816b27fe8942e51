"""How long an AWS service that stalls can hold up whoever calls it."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError

from functions.chatwoot_webhook.handler import answer
from shared.conversations.making_door import make_door
from shared.platform import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHATWOOT_WAITS_SECONDS = 5.0
DOOR = {
    "FRONTDESK_COMPANIES_TABLE": "companies",
    "FRONTDESK_CREDENTIALS_TABLE": "credentials",
    "FRONTDESK_CONVERSATIONS_TABLE": "conversations",
    "FRONTDESK_INCOMING_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/incoming.fifo",
    "FRONTDESK_EMAILS_TABLE": "emails",
    "FRONTDESK_EMAIL_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/emails",
    "FRONTDESK_KMS_KEY_ARN": "arn:aws:kms:eu-west-1:123456789012:key/1",
}
CALLS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "dynamodb": (
        aws.dynamodb,
        lambda client: client.get_item(TableName="t", Key={"pk": {"S": "x"}, "sk": {"S": "y"}}),
    ),
    "sqs": (aws.sqs, lambda client: client.send_message(QueueUrl="https://q.example/1/q", MessageBody="x")),
    "kms": (aws.kms, lambda client: client.decrypt(CiphertextBlob=b"x")),
}


@contextmanager
def stalling_server() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that takes every connection and never answers; gives its address and who came."""
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            while True:
                try:
                    came.append(listening.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", came
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for one in came:
                one.close()


@pytest.mark.parametrize("service", CALLS)
def test_a_service_that_stalls_is_given_up_before_chatwoot_gives_up_the_door(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a second try, and with time left for the answer."""
    make, call = CALLS[service]
    with stalling_server() as (address, came):
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        client = make(aws.HURRIED)
        start = time.monotonic()
        with pytest.raises(BotoCoreError):
            call(client)
        took = time.monotonic() - start
        client.close()
    assert len(came) == 2
    assert took < CHATWOOT_WAITS_SECONDS - 1


def test_the_door_answers_in_time_when_its_tables_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a 500, which Chatwoot's agent bots try again; a hung-up call they would count as failed."""
    with stalling_server() as (address, came):
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        door = make_door(DOOR)
        start = time.monotonic()
        told = answer(door, {"body": "{}", "headers": {}, "pathParameters": {"company_id": "sol"}})
        took = time.monotonic() - start
    assert (told["statusCode"], len(came)) == (500, 2)
    assert took < CHATWOOT_WAITS_SECONDS - 1
