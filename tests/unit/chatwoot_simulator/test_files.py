"""What customers send along: events and answers show it, and it is fetched over a redirect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tests.support import files
from tests.support.chatwoot import ChatwootHandle, eventually

if TYPE_CHECKING:
    from tests.unit.chatwoot_simulator.conftest import Receiver


def test_an_event_and_an_answer_show_the_attachment(chatwoot: ChatwootHandle, receiver: Receiver) -> None:
    """In the shape of Chatwoot 4.15; without words the content is null."""
    chatwoot.register_webhook(receiver.url)
    written = chatwoot.customer_sends(files.OGG, "audio", name="voice note.oga", content_type="audio/ogg")
    told = eventually(
        lambda: [one.payload for one in receiver.received if one.payload["event"] == "message_created"]
    )[0]
    (attachment,) = told["attachments"]
    assert told["content"] is None
    assert attachment == {
        "id": attachment["id"],
        "file_type": "audio",
        "extension": "oga",
        "content_type": "audio/ogg",
        "data_url": attachment["data_url"],
        "thumb_url": "",
        "file_size": len(files.OGG),
        "width": None,
        "height": None,
        "transcribed_text": "",
    }
    listed = chatwoot.api("GET", f"/conversations/{written.conversation_id}/messages").json()["payload"]
    assert listed[0]["attachments"] == [attachment]


def test_a_message_without_files_has_no_such_key(chatwoot: ChatwootHandle, receiver: Receiver) -> None:
    """As in Chatwoot."""
    chatwoot.register_webhook(receiver.url)
    chatwoot.customer_writes("hello")
    told = eventually(lambda: [one.payload for one in receiver.received if "content" in one.payload])
    assert all("attachments" not in one for one in told)


def test_the_address_stays_and_redirects_to_one_that_gives_the_file(chatwoot: ChatwootHandle) -> None:
    """Without a token; at first perhaps in vain."""
    written = chatwoot.customer_sends(files.PNG, "image", name="photo.png", missing=1)
    (message,) = chatwoot.conversation(written.conversation_id)["messages"]
    url = message["attachments"][0]["data_url"]
    redirect = requests.get(url, allow_redirects=False, timeout=5)
    assert redirect.status_code == 302
    assert [requests.get(url, timeout=5).status_code for _ in range(2)] == [404, 200]
    assert requests.get(url, timeout=5).content == files.PNG


@pytest.mark.parametrize("path", ["blobs/redirect/guessed/photo.png", "disk/guessed/photo.png"])
def test_an_address_that_was_guessed_gives_nothing(chatwoot: ChatwootHandle, path: str) -> None:
    """Both are as good as the file."""
    url = f"{chatwoot.base_url}/rails/active_storage/{path}"
    assert requests.get(url, timeout=5).status_code == 404


def test_the_redirect_can_be_led_astray(chatwoot: ChatwootHandle) -> None:
    """For tests of whoever follows it."""
    written = chatwoot.customer_sends(files.PNG, "image", location="http://10.0.0.1/")
    (message,) = chatwoot.conversation(written.conversation_id)["messages"]
    redirect = requests.get(message["attachments"][0]["data_url"], allow_redirects=False, timeout=5)
    assert redirect.headers["location"] == "http://10.0.0.1/"
