"""The door: whose a delivery is, whether it is authentic, what is kept of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.companies.card import EVERY_INBOX, CompanyCard
from shared.companies.connection import ChatwootConnection
from shared.conversations.door import Delivery, Door
from shared.conversations.door_cache import MAX_REMEMBERED, DoorCache
from shared.platform.errors import InvalidInput, Untrusted
from shared.platform.secret import Secret
from tests.fakes.clock import FakeClock
from tests.support import webhooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.companies.card import Claims
    from shared.conversations.incoming import IncomingMessage, PartFailure

SECRET = "secret-of-sol"
OTHER_SECRET = "secret-of-luna"
SOL = CompanyCard("sol", inboxes={12: "webhook"}, connection=ChatwootConnection("https://a.example", 3))


@dataclass
class FakeCompanies:
    """Companies, their secrets, and how often they were read."""

    cards: list[CompanyCard] = field(default_factory=lambda: [SOL])
    secrets: dict[tuple[str, str], str] = field(default_factory=lambda: {("sol", "secret"): SECRET})
    reads: list[str] = field(default_factory=list)

    def card(self, company_id: str) -> CompanyCard | None:
        """See `Cards`."""
        self.reads.append(company_id)
        return next((card for card in self.cards if card.company_id == company_id), None)

    def claims(self, account_id: int) -> Claims:
        """See `Cards`."""
        self.reads.append(f"account {account_id}")
        return {
            card.company_id: [EVERY_INBOX] if card.inboxes == "all" else list(card.inboxes)
            for card in self.cards
            if card.connection is not None and card.connection.account_id == account_id
        }

    def fields(self, company_id: str, provider: str) -> dict[str, Secret]:
        """See `SecretStore`."""
        assert provider == "chatwoot_webhook"
        return {field: Secret(value) for (owner, field), value in self.secrets.items() if owner == company_id}


@dataclass
class FakeQueue:
    """Keeps what was enqueued; breaks when told to."""

    sent: list[IncomingMessage] = field(default_factory=list)
    failures: list[PartFailure] = field(default_factory=list)
    broken: bool = False

    def send(self, message: IncomingMessage) -> None:
        """See `IncomingQueue`."""
        if self.broken:
            raise OSError("the queue is away")
        self.sent.append(message)

    def send_failure(self, failure: PartFailure) -> None:
        """See `IncomingQueue`."""
        self.failures.append(failure)


@dataclass
class FakePeople:
    """Keeps what was recorded."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    copies: int = 1

    def __getattr__(self, name: str) -> Callable[..., int]:
        def called(*arguments: Any, **keywords: Any) -> int:  # noqa: ANN401 - whatever the recorder takes
            self.calls.append((name, (arguments, keywords)))
            return self.copies

        return called


class Scene:
    """A door with everything around it faked."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.companies = FakeCompanies()
        self.queue = FakeQueue()
        self.people = FakePeople()
        cache = DoorCache(self.companies, self.companies, self.clock)
        self.door = Door(cache, self.queue, self.people, self.clock)  # type: ignore[arg-type]

    def deliver(
        self,
        body: dict[str, Any] | bytes,
        *,
        secret: str = SECRET,
        company_id: str | None = "sol",
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Sign a body and hand it to the door."""
        raw = body if isinstance(body, bytes) else webhooks.encoded(body)
        signed = webhooks.signed_headers(secret, raw, int(self.clock.now().timestamp()))
        answer = self.door.receive(Delivery(signed if headers is None else headers, raw, company_id, token))
        return answer.status, dict(answer.body)

    def refusal(self, *arguments: Any, **keywords: Any) -> str:  # noqa: ANN401 - as for deliver
        """Why a delivery is not trusted."""
        with pytest.raises(Untrusted) as refused:
            self.deliver(*arguments, **keywords)
        return refused.value.reason

    def change(self, **changes: Any) -> None:  # noqa: ANN401 - any field of a card
        """Change the company's card."""
        self.companies.cards = [replace(SOL, **changes)]


@pytest.fixture
def scene() -> Scene:
    """A door with one company behind it."""
    return Scene()


def test_a_customers_message_is_queued_with_what_a_turn_needs(scene: Scene) -> None:
    """The everyday case."""
    status, answer = scene.deliver(webhooks.message_created("¿Tienen cita mañana? 😀"))
    assert (status, answer) == (202, {"status": "queued", "message_id": 70011, "company_id": "sol"})
    (message,) = scene.queue.sent
    assert message.key.group_id == "sol:3:214"
    assert message.text == "¿Tienen cita mañana? 😀"
    assert message.contact_source_id == "34600000001"
    assert message.received_at_ms == int(scene.clock.now().timestamp() * 1000)


def test_what_is_queued_is_ascii_and_carries_no_websocket_token(scene: Scene) -> None:
    """Queues refuse control characters, and nobody needs the contact's credentials."""
    escaped = webhooks.encoded(webhooks.message_created("ñ \x00 HERE")).replace(b"HERE", b"\\ud83d")
    scene.deliver(escaped)
    text = scene.queue.sent[0].to_json()
    assert text.isascii()
    assert "pubsub" not in text
    assert "planted" not in text


def test_a_very_long_text_is_cut_and_marked(scene: Scene) -> None:
    """Even where every character is an emoji, the queue's limit is kept."""
    scene.deliver(webhooks.message_created("😀" * 60_000))
    message = scene.queue.sent[0]
    assert message.cut
    assert len(message.to_json().encode()) < 256 * 1024


def test_a_person_s_message_is_recorded_and_not_answered(scene: Scene) -> None:
    """Somebody took over."""
    assert scene.deliver(webhooks.person_wrote()) == (202, {"status": "recorded", "company_id": "sol"})
    assert [name for name, _ in scene.people.calls] == ["person_wrote"]
    assert not scene.queue.sent


def test_a_message_typed_in_the_native_app_is_a_persons(scene: Scene) -> None:
    """The shop owner answers on the telephone: sender is null."""
    body = webhooks.person_wrote(sender=None, content_attributes={"external_echo": True})
    scene.deliver(body)
    assert [name for name, _ in scene.people.calls] == ["person_wrote"]


def test_our_own_message_coming_back_is_a_receipt(scene: Scene) -> None:
    """And no takeover, although it comes from a user's token."""
    body = webhooks.person_wrote(content_attributes={"frontdesk": {"marker": "m1"}})
    assert scene.deliver(body)[1]["status"] == "recorded"
    assert [name for name, _ in scene.people.calls] == ["came_back"]


def test_a_second_message_with_the_same_marker_is_counted(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """A customer read a part twice: it can no longer be prevented, and is never hidden."""
    body = webhooks.person_wrote(content_attributes={"frontdesk": {"marker": "m1"}})
    scene.deliver(body)
    assert "DuplicateParts" not in capsys.readouterr().out
    scene.people.copies = 2
    scene.deliver(body)
    assert "DuplicateParts" in capsys.readouterr().out


def test_a_pasted_marker_of_a_foreign_user_is_a_persons_message(scene: Scene) -> None:
    """Only our own user or bot can send our messages."""
    scene.change(connection=ChatwootConnection("https://a.example", 3, user_id=99))
    scene.deliver(webhooks.person_wrote(content_attributes={"frontdesk": {"marker": "m1"}}))
    assert [name for name, _ in scene.people.calls] == ["person_wrote"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (webhooks.message_created(private=True), "private"),
        (webhooks.message_created(private=None), "private"),
        (webhooks.message_created(message_type="template"), "template"),
        (webhooks.message_created(message_type=2), "activity"),
        (webhooks.message_created(message_type="outgoing", sender=None), "automation"),
        (webhooks.person_wrote(sender={"id": 5, "type": "agent_bot"}), "agent_bot"),
        (webhooks.message_created() | {"event": "webwidget_triggered"}, "event"),
        (webhooks.message_created() | {"event": "automation_event.contact_created"}, "event"),
        (webhooks.message_created() | {"event": "message_updated"}, "message_updated"),
        (webhooks.message_created(conversation=webhooks.conversation(inbox_id=99)), "inbox"),
    ],
)
def test_what_needs_no_answer_is_ignored_with_200_and_the_reason(
    scene: Scene, body: dict[str, Any], reason: str
) -> None:
    """Chatwoot counts any 2xx as delivered."""
    assert scene.deliver(body) == (200, {"status": "ignored", "reason": reason, "company_id": "sol"})
    assert not scene.queue.sent
    assert not scene.people.calls


def test_an_email_inbox_is_served_only_when_it_is_listed_by_id(scene: Scene) -> None:
    """Otherwise every newsletter would be answered."""
    body = webhooks.message_created(conversation=webhooks.conversation(channel="Channel::Email"))
    assert scene.deliver(body)[0] == 202
    scene.change(inboxes="all")
    scene.clock.advance(61)
    assert scene.deliver(body)[1]["reason"] == "email_inbox"


def test_status_and_assignee_changes_are_recorded(scene: Scene) -> None:
    """A turn in flight must see them."""
    assert scene.deliver(webhooks.conversation_updated(status="resolved"))[1]["status"] == "recorded"
    assert [name for name, _ in scene.people.calls] == ["state_changed"]


@pytest.mark.parametrize(("status", "recorded"), [("open", False), ("pending", True), ("resolved", True)])
def test_without_chatwoots_order_a_state_counts_only_towards_silence(
    scene: Scene, *, status: str, recorded: bool
) -> None:
    """An old event that arrives late must not lift a pause."""
    scene.deliver(webhooks.conversation_updated(status=status, updated_at=None))
    assert bool(scene.people.calls) == recorded


def test_a_deletion_is_recorded(scene: Scene) -> None:
    """Its text leaves a turn that has not run."""
    body = webhooks.message_created(content_attributes={"deleted": True}) | {"event": "message_updated"}
    scene.deliver(body)
    assert [name for name, _ in scene.people.calls] == ["deleted"]


def test_a_failure_of_our_own_message_at_its_channel_is_queued_for_the_conversation(scene: Scene) -> None:
    """Its worker tells a person, once per turn."""
    attributes = {"frontdesk": {"marker": "3-abc"}, "external_error": "131047: window closed"}
    body = webhooks.person_wrote(content_attributes=attributes) | {"event": "message_updated"}
    assert scene.deliver(body)[1]["status"] == "recorded"
    (failure,) = scene.queue.failures
    assert (failure.marker, failure.error, failure.about.text) == ("3-abc", "131047: window closed", "")


def test_a_failure_of_somebody_elses_message_is_nothing_to_us(scene: Scene) -> None:
    """A person sees it in Chatwoot."""
    attributes = {"external_error": "131047: window closed"}
    body = webhooks.person_wrote(content_attributes=attributes) | {"event": "message_updated"}
    assert scene.deliver(body)[1]["status"] == "ignored"


def test_a_blocked_contact_is_not_answered(scene: Scene) -> None:
    """The company does not want to hear from them."""
    meta = {"sender": {"id": 481, "name": "Spam", "blocked": True}}
    body = webhooks.message_created(conversation=webhooks.conversation(meta=meta))
    assert scene.deliver(body)[1] == {"status": "ignored", "reason": "blocked", "company_id": "sol"}


# -- proof ---------------------------------------------------------------------------------------------


def test_all_untrusted_deliveries_are_refused_alike(scene: Scene) -> None:
    """Whoever knocks learns nothing about who lives here."""
    body = webhooks.message_created()
    assert scene.refusal(body, company_id="nobody") == "unknown_company"
    assert scene.refusal(body, secret="wrong") == "signature_wrong"
    assert scene.refusal(body, headers={}) == "signature_missing"
    scene.change(mode="off")
    scene.clock.advance(61)
    assert scene.refusal(body) == "company_off"
    scene.change()
    scene.companies.secrets = {}
    scene.clock.advance(61)
    assert scene.refusal(body) == "no_secret"
    assert not scene.queue.sent


def test_a_disconnected_company_verifies_nothing(scene: Scene) -> None:
    """Its old secret is worth nothing any more."""
    scene.change(connection=None)
    assert scene.refusal(webhooks.message_created()) == "company_off"


def test_the_old_secret_is_valid_beside_the_new_one(scene: Scene) -> None:
    """Jobs queued at Chatwoot carry the old one."""
    scene.companies.secrets = {("sol", "secret"): "new", ("sol", "previous_secret"): SECRET}
    assert scene.deliver(webhooks.message_created())[0] == 202
    assert scene.deliver(webhooks.message_created(), secret="new")[0] == 202


def test_a_body_of_another_account_is_refused_although_its_signature_fits(scene: Scene) -> None:
    """A company cannot speak for an account that is not its own."""
    body = webhooks.message_created(account={"id": 4})
    assert scene.refusal(body) == "account"


def test_a_path_token_lets_senders_in_that_cannot_sign(scene: Scene) -> None:
    """Automation rules and old servers."""
    scene.change(connection=ChatwootConnection("https://a.example", 3, signature="token"))
    scene.companies.secrets[("sol", "path_token")] = "unguessable"
    assert scene.deliver(webhooks.message_created(), headers={}, token="unguessable")[0] == 202
    assert scene.refusal(webhooks.message_created(), headers={}, token="guessed") == "token_wrong"
    assert scene.refusal(webhooks.message_created(), headers={}) == "token_wrong"


def test_a_path_token_alone_is_not_enough_where_signatures_are_required(scene: Scene) -> None:
    """The mode is the company's, not the sender's choice."""
    scene.companies.secrets[("sol", "path_token")] = "unguessable"
    refusal = scene.refusal(webhooks.message_created(), headers={}, token="unguessable")
    assert refusal == "signature_missing"


def test_an_automation_rule_brings_a_customers_message(scene: Scene) -> None:
    """It cannot sign, so it comes with a path token; its body is the conversation."""
    scene.change(connection=ChatwootConnection("https://a.example", 3, signature="token"))
    scene.companies.secrets = {("sol", "path_token"): "t0ken"}
    newest = {"id": 70011, "content": "hola", "message_type": 0, "private": False}
    body = webhooks.conversation(messages=[newest]) | {"event": "automation_event.message_created"}
    assert scene.deliver(body, token="t0ken", headers={})[1]["status"] == "queued"
    assert [message.text for message in scene.queue.sent] == ["hola"]


def test_a_company_in_token_mode_without_a_token_lets_nobody_in(scene: Scene) -> None:
    """An empty token would be no secret."""
    scene.change(connection=ChatwootConnection("https://a.example", 3, signature="token"))
    assert scene.refusal(webhooks.message_created(), token="") == "no_secret"


# -- whose message is it -------------------------------------------------------------------------------


def _two_on_one_account(scene: Scene) -> None:
    luna = CompanyCard("luna", inboxes={13: "webhook"}, connection=ChatwootConnection("https://a.example", 3))
    scene.companies.cards = [SOL, luna]
    scene.companies.secrets[("luna", "secret")] = OTHER_SECRET


def _two_servers_with_the_same_account_number(scene: Scene) -> None:
    luna = CompanyCard("luna", inboxes={12: "webhook"}, connection=ChatwootConnection("https://b.example", 3))
    scene.companies.cards = [SOL, luna]
    scene.companies.secrets[("luna", "secret")] = OTHER_SECRET


def test_without_a_path_the_inbox_decides_between_two_companies_of_one_account(scene: Scene) -> None:
    """And only the owner's secret counts."""
    _two_on_one_account(scene)
    body = webhooks.message_created(conversation=webhooks.conversation(inbox_id=13))
    assert scene.deliver(body, company_id=None, secret=OTHER_SECRET)[1]["company_id"] == "luna"
    assert scene.refusal(body, company_id=None, secret=SECRET) == "signature_wrong"


def test_the_same_account_number_on_two_servers_is_told_apart_by_the_secret(scene: Scene) -> None:
    """Account numbers repeat."""
    _two_servers_with_the_same_account_number(scene)
    body = webhooks.message_created()
    assert scene.deliver(body, company_id=None)[1]["company_id"] == "sol"
    assert scene.deliver(body, company_id=None, secret=OTHER_SECRET)[1]["company_id"] == "luna"


def test_a_claim_set_by_a_visitor_moves_nothing(scene: Scene) -> None:
    """Custom attributes of a conversation can be set from a website."""
    _two_servers_with_the_same_account_number(scene)
    claimed = webhooks.conversation(custom_attributes={"company_id": "luna"})
    body = webhooks.message_created(conversation=claimed)
    assert scene.deliver(body, company_id=None)[1]["company_id"] == "sol"


def test_two_companies_that_share_a_secret_are_told_apart_by_a_claim_and_not_without(scene: Scene) -> None:
    """Guessing between tenants is out of the question."""
    _two_servers_with_the_same_account_number(scene)
    scene.companies.secrets[("luna", "secret")] = SECRET
    assert scene.refusal(webhooks.message_created(), company_id=None) == "two_owners"
    claimed = webhooks.conversation(meta={"sender": {"id": 481}, "company_id": "luna"})
    body = webhooks.message_created(conversation=claimed)
    assert scene.deliver(body, company_id=None)[1]["company_id"] == "luna"


def test_without_a_path_and_without_an_account_nobody_owns_it(scene: Scene) -> None:
    """Nothing to look an owner up by."""
    body = webhooks.message_created(conversation=webhooks.conversation(account=None))
    del body["account"]
    assert scene.refusal(body, company_id=None) == "no_account"


def test_a_foreign_inbox_on_the_path_less_address_is_ignored_when_the_company_signed(scene: Scene) -> None:
    """An account's webhook fires for every inbox of the account."""
    body = webhooks.message_created(conversation=webhooks.conversation(inbox_id=99))
    assert scene.deliver(body, company_id=None)[1]["reason"] == "inbox"


# -- bad input and outages -----------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"event":NaN}', b"[" * 100_000])
def test_what_is_not_json_is_refused_with_400(scene: Scene, body: bytes) -> None:
    """Only after the signature fits, where the path names the company."""
    with pytest.raises(InvalidInput) as refused:
        scene.deliver(body)
    assert refused.value.status == 400


def test_a_body_over_the_limit_is_refused_with_413(scene: Scene) -> None:
    """Before anything is computed over it."""
    with pytest.raises(InvalidInput) as refused:
        scene.deliver(b" " * (1024 * 1024 + 1))
    assert refused.value.status == 413


def test_a_queue_that_is_away_is_an_error_and_not_a_202(scene: Scene) -> None:
    """Chatwoot's agent bots try a 500 again."""
    scene.queue.broken = True
    with pytest.raises(OSError, match="away"):
        scene.deliver(webhooks.message_created())


@given(st.binary(max_size=300), st.dictionaries(st.text(max_size=30), st.text(max_size=80), max_size=4))
def test_any_rubbish_is_refused_and_never_breaks_the_door(body: bytes, headers: dict[str, str]) -> None:
    """With and without a company in the path."""
    scene = Scene()
    for company_id in ("sol", None):
        with pytest.raises((Untrusted, InvalidInput)):
            scene.door.receive(Delivery(headers, body, company_id))


def test_bodies_signed_by_the_company_with_rubbish_inside_never_break_the_door(scene: Scene) -> None:
    """A fork of Chatwoot may send anything."""
    oddities: list[object] = [None, 7, [], "x", {"event": "message_created", "conversation": 5}]
    for odd in oddities:
        with pytest.raises(InvalidInput):
            scene.deliver(json.dumps(odd).encode())


# -- the cache -----------------------------------------------------------------------------------------


def test_a_company_is_read_once_a_minute(scene: Scene) -> None:
    """A warm delivery costs one AWS call: the queue's."""
    for _ in range(5):
        scene.deliver(webhooks.message_created())
    assert scene.companies.reads == ["sol"]
    scene.clock.advance(61)
    scene.deliver(webhooks.message_created())
    assert scene.companies.reads == ["sol", "sol"]


def test_without_a_path_a_warm_delivery_reads_nothing_either(scene: Scene) -> None:
    """Who owns the account is remembered as well, also that nobody does."""
    for _ in range(5):
        scene.deliver(webhooks.message_created(), company_id=None)
    assert scene.companies.reads == ["account 3", "sol"]
    for _ in range(5):
        assert scene.refusal(webhooks.message_created(account={"id": 8}), company_id=None)
    assert scene.companies.reads == ["account 3", "sol", "account 8"]


def test_without_a_path_a_company_that_was_just_connected_is_found(scene: Scene) -> None:
    """Its first deliveries are not lost to what we remembered before."""
    _two_on_one_account(scene)
    luna = scene.companies.cards.pop()
    body = webhooks.message_created(conversation=webhooks.conversation(inbox_id=13))
    assert scene.refusal(body, company_id=None, secret=OTHER_SECRET)
    scene.companies.cards.append(luna)
    scene.clock.advance(11)
    assert scene.deliver(body, company_id=None, secret=OTHER_SECRET)[1]["company_id"] == "luna"


def test_a_new_secret_counts_at_once_because_a_failed_signature_reads_again(scene: Scene) -> None:
    """Not only after the minute is over."""
    scene.deliver(webhooks.message_created())
    scene.companies.secrets[("sol", "secret")] = "new"
    scene.clock.advance(11)
    assert scene.deliver(webhooks.message_created(), secret="new")[0] == 202


def test_rubbish_makes_us_read_a_company_at_most_once_in_ten_seconds(scene: Scene) -> None:
    """Nobody can make us read by knocking."""
    for _ in range(20):
        scene.refusal(webhooks.message_created(), secret="wrong")
        scene.refusal(webhooks.message_created(), company_id="nobody")
    assert sorted(scene.companies.reads) == ["nobody", "sol"]


def test_the_memory_for_unknown_companies_is_bounded(scene: Scene) -> None:
    """Made-up names do not fill it."""
    cache = DoorCache(scene.companies, scene.companies, scene.clock)
    for number in range(MAX_REMEMBERED + 50):
        cache.company(f"made-up-{number}")
    assert len(cache) == MAX_REMEMBERED
