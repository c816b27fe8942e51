"""The sample: a company, connected through our own API, and a customer's question that it answers."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from local.calls import Caller
from local.failure import Failure
from local.ses_simulator import account as ses_account
from local.world import ROOT
from shared.credentials.providers.registry import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.world import World

SAMPLE = ROOT / "local" / "sample_company.json"
REPLY_SECONDS = 90.0
_POLL_SECONDS = 0.05
PART_SECONDS = 1.5
WEB_CHAT = "Channel::WebWidget"
OUTGOING = 1
# The sample's provider of e-mail, and a key that the mail simulator takes; its mails are at /inbox.
MAIL_PROVIDER = "simulated"
SIMULATED_KEY = "SG.simulated"
# The provider that is asked when that one fails: SES, in the account that the local AWS plays.
SPARE_PROVIDER = "aws"
GOOGLE = "google"


@dataclass(frozen=True)
class Sample:
    """What the sample file says.

    Args:
        company_id: the company's id.
        document: the company's document, as ``PUT /api/companies/{id}`` takes it.
        customer: who asks.
        question: what.
        calendar_account: the account at the Google simulator whose calendar the company's appointments go to.
        to_try: what to write in the chat page, one after the other, to book an appointment.
    """

    company_id: str
    document: dict[str, Any]
    customer: str
    question: str
    calendar_account: str
    to_try: list[str]

    @classmethod
    def read(cls) -> Sample:
        """Read the file."""
        given = json.loads(SAMPLE.read_text("utf-8"))
        return cls(company_id=given.pop("id"), **given)


@dataclass(frozen=True)
class Milestone:
    """Something that happened on the way, in seconds since the customer's message."""

    what: str
    at_seconds: float


@dataclass(frozen=True)
class Conversation:
    """The sample conversation as it went."""

    question: str
    customer: str
    replies: list[str]
    milestones: list[Milestone]


def create_company(world: World, sample: Sample) -> World:
    """Create the company and connect it to its e-mail, its calendar and Chatwoot, as an operator would.

    Returns:
        The world with the company in it.

    Raises:
        Failure: a call was refused.
    """
    api = Caller(world.api_url, world.operator_api_key)
    account = Caller(world.chatwoot_base_url)("GET", "/simulator/accounts")[0]
    administrator = next(user for user in account["users"] if user["role"] == "administrator")
    _create_with_mail(api, world, sample)
    _connect_calendar(api, world, sample)
    connection = {
        "company_id": sample.company_id,
        "base_url": world.chatwoot_base_url,
        "account_id": account["id"],
        "api_key": administrator["token"],
        "bot_token": account["bots"][0]["token"],
        "register_webhook": True,
    }
    webhook_url = api("POST", "/api/integrations/chatwoot/connect", connection)["webhook_url"]
    made = api(
        "POST", f"/api/companies/{sample.company_id}/api-keys", {"name": "sample", "scopes": ["admin"]}
    )
    chatwoot = Caller(world.chatwoot_base_url, headers={"Api-Access-Token": administrator["token"]})
    registered = chatwoot("GET", f"/api/v1/accounts/{account['id']}/webhooks")["payload"]["webhooks"]
    return replace(
        world,
        company_id=sample.company_id,
        company_api_key=made["api_key"],
        webhook_url=webhook_url,
        webhook_secret=next(one["secret"] for one in registered if one["url"] == webhook_url),
    )


def _create_with_mail(api: Caller, world: World, sample: Sample) -> None:
    """With the file's provider of e-mail, and a spare one whose access key is made anew in every run."""
    email = sample.document["email"]
    ses_account.verify(world.aws_endpoint_url, email["from_address"].partition("@")[2])
    key = ses_account.new_key(world.aws_endpoint_url)
    both = {**email, "providers": [*email["providers"], key.provider(SPARE_PROVIDER)]}
    place = f"/api/companies/{sample.company_id}"
    api("PUT", place, {**sample.document, "email": both})
    for provider_id, secret in ((MAIL_PROVIDER, SIMULATED_KEY), (SPARE_PROVIDER, key.secret)):
        api("PUT", f"{place}/email/secrets/{provider_id}", {"secret": secret})


def _connect_calendar(api: Caller, world: World, sample: Sample) -> None:
    """By a service account that the simulator lets act for the calendar's owner: no browser is needed.

    Raises:
        Failure: a call was refused.
    """
    asked = {"name": sample.company_id, "delegated": list(PROVIDERS[GOOGLE].service_account_scopes)}
    key = Caller(world.google_base_url)("POST", "/simulator/service-accounts", asked)
    connection = {
        "company_id": sample.company_id,
        "service_account": key,
        "subject": sample.calendar_account,
    }
    api("POST", f"/api/integrations/{GOOGLE}/connect", connection)


def booking_hint(world: World, sample: Sample) -> list[str]:
    """How to book an appointment by hand and where it shows, as lines for the terminal."""
    said = ", ".join(f"«{text}»" for text in sample.to_try)
    return [
        f"To book, write as a customer in {world.desk_url}:",
        f"  {said}",
        f"What is booked shows in {world.google_base_url}/calendar, mails in {world.mail_base_url}/inbox.",
    ]


def connect_links(world: World) -> list[str]:
    """Where a browser connects the sample company with other accounts, as lines for the terminal.

    Raises:
        Failure: a call was refused.
    """
    api = Caller(world.api_url, world.company_api_key)
    lines = ["To connect the sample company with another account, open within the hour (each works once):"]
    for provider in PROVIDERS:
        answer = api("POST", f"/api/integrations/{provider}/connect", {"company_id": world.company_id})
        lines.append(f"  {provider:17} {answer['auth_url']}")
    return lines


def play(world: World, sample: Sample) -> Conversation:
    """Write in the web chat as the customer, and wait for the reply.

    Raises:
        Failure: the webhook was refused, or no reply came.
    """
    chatwoot = Caller(world.chatwoot_base_url)
    account = chatwoot("GET", "/simulator/accounts")[0]
    inbox = next(one for one in account["inboxes"] if one["channel_type"] == WEB_CHAT)
    place = f"/simulator/accounts/{account['id']}"
    began = time.time()
    customer = {"text": sample.question, "inbox_id": inbox["id"], "contact": sample.customer}
    number = chatwoot("POST", f"{place}/customer", customer)["conversation_id"]
    _until(lambda: _accepted(chatwoot, began), "the webhook to be accepted", world)
    accepted = time.time() - began
    conversation = f"{place}/conversations/{number}"
    _until(lambda: _replies(chatwoot, conversation, began), "the reply", world)
    replies = _whole(lambda: _replies(chatwoot, conversation, began))
    calls = [one for one in chatwoot("GET", "/simulator/calls") if one["at"] >= began]
    ours = [one for one in calls if f"/accounts/{account['id']}/conversations/{number}" in one["path"]]
    texts = [reply["content"] for reply in replies]
    return Conversation(sample.question, sample.customer, texts, _milestones(ours, accepted, began, replies))


def _until(found: Callable[[], Any], what: str, world: World) -> Any:  # noqa: ANN401 - what was found
    deadline = time.monotonic() + REPLY_SECONDS
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(_POLL_SECONDS)
    raise Failure(
        f"Waited {REPLY_SECONDS:.0f} s for {what} in vain: `python -m local logs` shows what the functions "
        f"say, and {world.logs} holds the other logs."
    )


def _accepted(chatwoot: Caller, began: float) -> bool:
    deliveries = [one for one in chatwoot("GET", "/simulator/deliveries") if one["at"] >= began]
    messages = [one for one in deliveries if one["event"] == "message_created"]
    answered = [one for one in messages if one["status"] is not None or one["error"]]
    refused = [one for one in answered if one["error"] or one["status"] != HTTPStatus.ACCEPTED]
    if refused:
        sentence = f"{refused[0]['status']} {refused[0]['answer']}{refused[0]['error']}"
        raise Failure(f"The webhook was refused: {sentence}".strip())
    return bool(answered)


def _replies(chatwoot: Caller, place: str, began: float) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = chatwoot("GET", place)["messages"]
    since = [one for one in said if one["created_at"] >= began]
    return [one for one in since if one["message_type"] == OUTGOING and not one["private"]]


def _whole(read: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """All parts of a reply of which at least one has come: they follow each other within a second."""
    before: list[dict[str, Any]] = []
    while len(found := read()) > len(before):
        before = found
        time.sleep(PART_SECONDS)
    return before


def _milestones(
    calls: list[dict[str, Any]], accepted_seconds: float, began: float, replies: list[dict[str, Any]]
) -> list[Milestone]:
    """When what happened: the webhook's answer, then the calls that the turn made at Chatwoot."""
    posts = [call for call in calls if call["method"] == "POST" and call["path"].endswith("/messages")]
    return [
        Milestone("webhook accepted and queued", accepted_seconds),
        Milestone("customer quiet, turn begun", calls[0]["at"] - began),
        Milestone("model has answered", posts[0]["at"] - began),
        Milestone("reply in the conversation", replies[-1]["created_at"] - began),
    ]


def shown(conversation: Conversation) -> list[str]:
    """The conversation as lines for the terminal: who said what, then how long each step took."""
    lines = [*_said(conversation.customer, conversation.question)]
    for reply in conversation.replies:
        lines += _said("Frontdesk", reply)
    lines.append("")
    before = 0.0
    for milestone in conversation.milestones:
        lines.append(
            f"  {milestone.at_seconds:6.2f} s  (+{milestone.at_seconds - before:5.2f} s)  {milestone.what}"
        )
        before = milestone.at_seconds
    return lines


def _said(who: str, text: str) -> list[str]:
    indent = " " * (len(who) + 4)
    return [f"  {who}: " + text.replace("\n\n", "\n").replace("\n", f"\n{indent}")]
