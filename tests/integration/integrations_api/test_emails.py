"""E-mails over the API: taken in, told of, sent again, reported on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.email.breakers import Breakers
from shared.email.callbacks import sendgrid
from shared.email.ledger import EmailLedger
from shared.email.rendered import EMAIL_ID
from shared.platform.clock import epoch_milliseconds

if TYPE_CHECKING:
    from tests.support.api import Api, Told

MAIL: dict[str, Any] = {
    "from_address": "hola@luna.example",
    "providers": [
        {"id": "main", "vendor": "sendgrid"},
        {"id": "spare", "vendor": "mailgun", "domain": "mg.luna.example"},
    ],
}
MESSAGE: dict[str, Any] = {"to": ["ana@cliente.example"], "subject": "Hola", "text": "Hola, Ana"}
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


@pytest.fixture
def luna(api: Api) -> str:
    """A company with two providers of e-mail; its key."""
    return api.company("luna", email=MAIL)


def send(api: Api, key: str, *, idempotency_key: str | None = None, **wish: object) -> Told:
    """Ask for an e-mail."""
    headers: dict[str, Any] = {"idempotency_key": idempotency_key} if idempotency_key else {}
    return api("POST", "/api/emails", wish or {"message": MESSAGE}, key=key, **headers)


def changed(**fields: object) -> dict[str, Any]:
    """A message with other fields."""
    return {"message": MESSAGE | fields}


class TestSending:
    """``POST /api/emails``."""

    def test_an_e_mail_is_taken_in_and_queued(self, api: Api, luna: str) -> None:
        """Nobody waits for a provider; the story begins."""
        answer = send(api, luna)
        email_id = answer.json["email_id"]
        assert (answer.status, api.queued) == (202, [email_id])
        told = api("GET", f"/api/emails/{email_id}", key=luna).json
        assert (told["state"], told["attempts"], told["reports"]) == ("QUEUED", 0, [])
        assert told["content"]["text"] == "Hola, Ana"

    def test_the_same_key_is_the_same_e_mail(self, api: Api, luna: str) -> None:
        """However often; another e-mail under it is a mistake; without one each is its own."""
        first, second = (send(api, luna, idempotency_key="k").json["email_id"] for _ in range(2))
        assert first == second
        other = send(api, luna, idempotency_key="k", **changed(subject="Otra"))
        assert (other.status, other.json["type"]) == (409, "urn:frontdesk:problem:key_reused")
        assert send(api, luna).json["email_id"] != send(api, luna).json["email_id"]

    def test_two_companies_keys_do_not_meet(self, api: Api, luna: str) -> None:
        """The same word names an e-mail of each."""
        sol = api.company("sol", email=MAIL)
        ids = {send(api, key, idempotency_key="k").json["email_id"] for key in (luna, sol)}
        assert len(ids) == 2

    def test_a_company_without_providers_is_told_at_once(self, api: Api) -> None:
        """Not later, where nobody reads it."""
        answer = send(api, api.company("sol"))
        assert (answer.status, answer.json["type"]) == (409, "urn:frontdesk:problem:no_provider")

    def test_a_template_is_tried_before_it_is_taken_in(self, api: Api, luna: str) -> None:
        """What is missing is named."""
        wish = {"to": ["ana@cliente.example"], "template": "appointment_confirmed", "language": "es"}
        answer = send(api, luna, templated={**wish, "values": {"company": {"name": "Luna"}}})
        assert answer.status == 422
        assert "templated.values.appointment.date" in answer.fields
        assert api.queued == []

    def test_a_time_after_which_it_is_useless_can_be_said(self, api: Api, luna: str) -> None:
        """In the next seven days."""
        for text, status in (("2020-01-01T00:00:00Z", 422), ("2099-01-01T00:00:00Z", 422)):
            assert send(api, luna, message=MESSAGE, expires_at=text).status == status
        assert send(api, luna, message=MESSAGE, expires_at="2026-11-24T12:00:00").status == 422

    @pytest.mark.parametrize("moment", ["9999-12-31T23:00:00-14:00", "0001-01-01T00:00:00+14:00"])
    def test_moments_outside_of_the_calendar_are_mistakes(self, api: Api, luna: str, moment: str) -> None:
        """Of who sends them."""
        invitation = {
            "uid": "a@b.example",
            "start": moment,
            "end": "2026-11-24T12:00:00Z",
            "changed_at": "2026-11-24T12:00:00Z",
            "summary": "S",
            "organizer": "a@b.example",
            "attendees": ["a@b.example"],
        }
        answer = send(api, luna, **changed(invitation=invitation))
        assert (answer.status, "message.invitation.start" in answer.fields) == (422, True)
        assert api("GET", "/api/emails?" + urlencode({"since": moment}), key=luna).status == 422
        assert send(api, luna, message=MESSAGE, expires_at=moment).status == 422

    def test_a_list_of_nobody_is_no_empty_list(self, api: Api) -> None:
        """A typo in a company's name looks like one else."""
        assert api("GET", "/api/emails?company_id=nobody", key=api.operator).status == 404

    def test_what_none_of_the_providers_can_carry_is_refused_at_once(self, api: Api) -> None:
        """In words, not as an e-mail that nobody looks at."""
        smtp = {"id": "own", "vendor": "smtp", "preset": "gmail", "username": "a@b.example"}
        sol = api.company("sol", email={**MAIL, "providers": [smtp]})
        refused = send(api, sol, **changed(tags=["news"]))
        assert (refused.status, "message.tags" in refused.fields) == (422, True)
        grid = api.company("grid", email={**MAIL, "providers": [{"id": "g", "vendor": "sendgrid"}]})
        refused = send(api, grid, **changed(to=["josé@cliente.example"]))
        assert (refused.status, "beyond ASCII" in refused.text) == (422, True)
        assert send(api, sol, **changed(to=["josé@cliente.example"])).status == 202
        assert send(api, grid, **changed(tags=["news", "news"])).status == 202
        empty = [{"name": "a.txt", "content_type": "text/plain", "content": ""}]
        assert "must not be empty" in send(api, grid, **changed(attachments=empty)).text

    @pytest.mark.parametrize(
        "wish",
        [
            {},
            {"company_id": "luna"},
            {
                "message": MESSAGE,
                "templated": {"to": ["a@b.example"], "template": "x", "language": "es", "values": {}},
            },
            {"message": MESSAGE, "contact": "3"},
            {"message": MESSAGE, "kind": "spam"},
        ],
    )
    def test_a_wish_that_makes_no_sense_is_refused(self, api: Api, luna: str, wish: dict[str, Any]) -> None:
        """Before anything is written."""
        answer = api("POST", "/api/emails", wish, key=luna)
        assert answer.status in {404, 422}
        assert api.queued == []

    def test_taking_in_is_a_matter_of_milliseconds(self, api: Api, luna: str) -> None:
        """Checked, written and queued, on a table in memory: the older program waited for the provider."""
        took = []
        for number in range(15):
            began = perf_counter()
            assert send(api, luna, idempotency_key=f"k{number}").status == 202
            took.append((perf_counter() - began) * 1000)
        print(f"enqueue: median {median(took):.1f} ms")  # noqa: T201 - the measured number
        assert median(took) < 500


class TestHostileInputs:
    """Refused with words; nothing of it is stored or queued. Field by field: `test_hostile_emails`."""

    @pytest.mark.parametrize(
        ("fields", "word"),
        [
            ({"subject": "x" * 301}, "300"),
            ({"to": [{"address": "ana@cliente.example", "name": "evil\u202egpj.exe"}]}, "name"),
            ({"headers": {"X-SMTPAPI": "{}"}}, "headers"),
            ({"headers": {"From": "jefe@banco.example"}}, "headers"),
            ({"attachments": [{"name": "a.exe", "content_type": "application/x", "content": ""}]}, "refuse"),
            ({"html": "x" * 300_001}, "300000"),
        ],
    )
    def test_what_is_too_much_or_hides_something(
        self, api: Api, luna: str, fields: dict[str, Any], word: str
    ) -> None:
        """Named."""
        answer = send(api, luna, **changed(**fields))
        assert answer.status == 422
        assert word in answer.text
        assert api.queued == []

    def test_a_template_in_a_value_stays_a_text(self, api: Api, luna: str) -> None:
        """Values are filled in once, and what comes out is no template."""
        wish = {"template": "appointment_confirmed", "values": {"customer": {"name": "{{ 7 * 7 }}{% for %}"}}}
        shown = api("POST", "/api/companies/luna/email/preview", wish, key=luna).json
        assert "{{ 7 * 7 }}{% for %}" in shown["text"]
        assert "49" not in shown["text"]


class TestTelling:
    """``GET /api/emails``."""

    def test_the_list_goes_back_in_time_page_by_page(self, api: Api, luna: str) -> None:
        """Each e-mail once, whatever the size of the pages."""
        sent = []
        for _ in range(7):
            sent.append(send(api, luna).json["email_id"])
            api.clock.advance(1)
        found: list[str] = []
        cursor = ""
        while True:
            page = api("GET", f"/api/emails?limit=3{cursor}", key=luna).json
            found += [one["email_id"] for one in page["emails"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert found == sent[::-1]

    def test_it_can_be_asked_for_a_state_and_a_time(self, api: Api, luna: str) -> None:
        """As the ledger knows them."""
        old = send(api, luna).json["email_id"]
        ledger = EmailLedger(api.emails_table, api.clock)
        record = ledger.read("luna", old)
        assert record is not None
        ledger.ended(record, "expired", "")
        api.clock.advance(3_600)
        moment = api.clock.now().isoformat().replace("+00:00", "")
        new = send(api, luna).json["email_id"]

        def asked(query: str) -> list[str]:
            return [one["email_id"] for one in api("GET", f"/api/emails?{query}", key=luna).json["emails"]]

        assert asked("state=rejected") == [old]
        assert asked("state=QUEUED") == [new]
        assert asked(f"since={moment}") == [new]
        assert api("GET", "/api/emails?state=lost", key=luna).fields == ["state"]
        assert api("GET", "/api/emails?since=soon", key=luna).fields == ["since"]
        assert api("GET", "/api/emails?cursor=1", key=luna).status == 400

    def test_addresses_and_words_are_for_keys_that_may_read_texts(self, api: Api, luna: str) -> None:
        """The others see what became of it."""
        email_id = send(api, luna).json["email_id"]
        told = api("GET", f"/api/emails/{email_id}", key=api.key("luna", "read"))
        assert told.status == 200
        assert "ana@" not in told.text
        assert "content" not in told.json

    def test_another_companys_e_mail_is_not_there(self, api: Api, luna: str) -> None:
        """Nor is one with an id that is none."""
        email_id = send(api, luna).json["email_id"]
        sol = api.company("sol", email=MAIL)
        assert api("GET", f"/api/emails/{email_id}", key=sol).status == 404
        assert api("GET", "/api/emails/em-1", key=luna).status == 404


class TestSendingAgain:
    """A deliberate act."""

    def test_what_was_not_sent_is_queued_once_more(self, api: Api, luna: str) -> None:
        """With new time, and written down."""
        email_id = send(api, luna).json["email_id"]
        ledger = EmailLedger(api.emails_table, api.clock)
        record = ledger.read("luna", email_id)
        assert record is not None
        path = f"/api/emails/{email_id}/resend"
        assert api("POST", path, {}, key=luna).json["type"] == "urn:frontdesk:problem:not_ended"
        ledger.ended(record, "expired", "")
        api.clock.advance(3 * 24 * 3_600)
        assert api("POST", path, {}, key=luna).status == 202
        again = ledger.read("luna", email_id)
        assert again is not None
        assert (again.state, again.reason, again.finished_at) == ("QUEUED", "", None)
        assert again.ends_at > api.clock.now()
        assert api.queued == [email_id, email_id]
        [act] = [
            r for r in api("GET", "/api/audit", key=luna).json["records"] if r["action"] == "email.resend"
        ]
        assert act["detail"] == {"email_id": email_id}

    def test_what_goes_to_nobody_but_the_list_is_not_queued(self, api: Api, luna: str) -> None:
        """It would be rejected where nobody looks."""
        email_id = send(api, luna).json["email_id"]
        ledger = EmailLedger(api.emails_table, api.clock)
        record = ledger.read("luna", email_id)
        assert record is not None
        ledger.ended(record, "expired", "")
        path = "/api/companies/luna/email/suppressions"
        assert api("POST", path, {"address": "ana@cliente.example"}, key=luna).status < 300
        refused = api("POST", f"/api/emails/{email_id}/resend", {}, key=luna)
        assert (refused.status, "take it off first" in refused.text) == (409, True)
        api("POST", f"{path}/remove", {"address": "ana@cliente.example"}, key=luna)
        assert api("POST", f"/api/emails/{email_id}/resend", {}, key=luna).status == 202

    def test_what_a_provider_has_is_not_sent_again(self, api: Api, luna: str) -> None:
        """That would be another e-mail."""
        email_id = send(api, luna).json["email_id"]
        ledger = EmailLedger(api.emails_table, api.clock)
        record = ledger.read("luna", email_id)
        assert record is not None
        ledger.accepted(record, "p-1")
        assert api("POST", f"/api/emails/{email_id}/resend", {}, key=luna).status == 409


class TestPreviews:
    """``POST …/email/preview``."""

    def test_they_show_the_company_as_it_is(self, api: Api) -> None:
        """Its own name, phone and address; what is given comes before them, and examples fill the rest."""
        key = api.company(
            "sol", name="Sol & Mar", phone="+34 910 000 001", address="Calle Luna 3", email=MAIL
        )

        def shown(**values: object) -> str:
            wish = {"template": "appointment_confirmed", "language": "en", "values": values}
            return str(api("POST", "/api/companies/sol/email/preview", wish, key=key).json["text"])

        assert all(
            one in shown() for one in ("Sol & Mar", "+34 910 000 001", "Calle Luna 3", "First consultation")
        )
        given = shown(appointment={"place": "Online"})
        assert ("Online" in given, "Calle Luna 3" in given, "First consultation" in given) == (
            True,
            False,
            True,
        )


class TestSuppressions:
    """Addresses that are not written to."""

    def test_a_domain_with_other_letters_is_one_address(self, api: Api, luna: str) -> None:
        """In Unicode and as it travels."""
        path = "/api/companies/luna/email/suppressions"
        api("POST", path, {"address": "ana@münchen.example"}, key=luna)
        [line] = api("GET", path, key=luna).json["suppressions"]
        assert line["address"] == "ana@xn--mnchen-3ya.example"
        removed = api("POST", f"{path}/remove", {"address": line["address"]}, key=luna)
        assert removed.json["status"] == "removed"

    def test_an_address_comes_and_goes(self, api: Api, luna: str) -> None:
        """In whatever letters; the trail does not hold it."""
        path = "/api/companies/luna/email/suppressions"
        assert api("POST", path, {"address": "Ana@cliente.example"}, key=luna).status == 201
        [line] = api("GET", path, key=luna).json["suppressions"]
        assert (line["address"], line["reason"]) == ("ana@cliente.example", "asked")
        removed = [
            api("POST", f"{path}/remove", {"address": "ana@cliente.example"}, key=luna).json["status"]
            for _ in range(2)
        ]
        assert removed == ["removed", "not_there"]
        assert "ana@" not in api("GET", "/api/audit", key=luna).text.lower()


def store(api: Api, key: str, provider: str, **secrets: str) -> Told:
    """Store a provider's secrets."""
    return api("PUT", f"/api/companies/luna/email/secrets/{provider}", secrets, key=key)


class TestSecrets:
    """What providers are opened with, and reports verified with."""

    def test_they_are_stored_and_never_shown(self, api: Api, luna: str) -> None:
        """Sealed; the list says which are there."""
        answer = store(api, luna, "main", secret="SG.planted", webhook_key=PUBLIC)
        assert (answer.status, answer.json["stored"]) == (200, ["secret", "webhook_key"])
        told = api("GET", "/api/companies/luna/email/secrets", key=luna)
        none = {"secret": False, "webhook_key": False}
        assert told.json["providers"] == {"main": {"secret": True, "webhook_key": True}, "spare": none}
        everything = str([*api.credentials_table.scan(), *api.table.scan()])
        assert "planted" not in everything + told.text + answer.text
        kept = api.credentials.get("luna", "email", "main")
        assert kept is not None
        assert kept.reveal() == "SG.planted"
        assert api("DELETE", "/api/companies/luna/email/secrets/main", key=luna).status == 204
        assert api.credentials.names("luna", "email") == set()

    @pytest.mark.parametrize("given", [{"secret": "SG.right"}, {"webhook_key": PUBLIC}])
    def test_what_is_stored_anew_is_tried_at_once(self, api: Api, luna: str, given: dict[str, str]) -> None:
        """Who mended a key need not wait until the provider would be asked again; others stay as they are."""
        breakers = Breakers(api.emails_table, api.clock)
        for provider in ("main", "spare"):
            breakers.failed("luna", provider, "x", at_once=True)
        store(api, luna, "main", **given)
        assert breakers.waits_until("luna", "main") is None
        assert breakers.waits_until("luna", "spare") is not None

    def test_a_provider_must_stand_in_the_document(self, api: Api, luna: str) -> None:
        """A secret under a misspelt name would open nothing."""
        assert store(api, luna, "mian", secret="x").status == 404

    @pytest.mark.parametrize("secret", ["a b\nc", "clave-ñ", "SG. x", "a\x00b"])
    def test_a_secret_that_could_never_work_is_refused(self, api: Api, luna: str, secret: str) -> None:
        """A line break that came along would break each request, and look like a network that is down."""
        answer = store(api, luna, "main", secret=secret)
        assert (answer.status, answer.fields) == (422, ["secret"])
        assert secret not in answer.text

    def test_a_key_that_is_none_of_the_vendors_is_refused(self, api: Api, luna: str) -> None:
        """Reports would all be refused, and nobody would know why."""
        answer = store(api, luna, "main", secret="SG.right", webhook_key="rubbish")
        assert (answer.status, answer.fields) == (422, ["webhook_key"])
        assert api.credentials.names("luna", "email") == set()


class TestReports:
    """What providers say afterwards."""

    def sendgrid(self, api: Api, body: list[dict[str, Any]], key: Any = KEY, path: str = "luna/main") -> Told:  # noqa: ANN401 - a private key
        """A batch of SendGrid's."""
        raw = json.dumps(body)
        stamp = str(int(epoch_milliseconds(api.clock.now()) / 1000))
        signature = key.sign(stamp.encode() + raw.encode(), ec.ECDSA(SHA256()))
        headers: dict[str, Any] = {
            sendgrid.SIGNATURE_HEADER: base64.b64encode(signature).decode(),
            sendgrid.TIMESTAMP_HEADER: stamp,
        }
        return api("POST", f"/api/webhook/sendgrid/{path}", raw=raw, **headers)

    def event(self, api: Api, email_id: str, kind: str) -> dict[str, Any]:
        """An event of SendGrid's."""
        return {
            "event": kind,
            "email": "ana@cliente.example",
            "timestamp": int(epoch_milliseconds(api.clock.now()) / 1000),
            "sg_event_id": f"{kind}-1",
            EMAIL_ID: email_id,
        }

    def test_sendgrids_reports_become_part_of_the_story(self, api: Api, luna: str) -> None:
        """Once each; a bounce puts the address on the list."""
        store(api, luna, "main", webhook_key=PUBLIC)
        email_id = send(api, luna).json["email_id"]
        batch = [self.event(api, email_id, "processed"), self.event(api, email_id, "bounce")]
        assert [self.sendgrid(api, batch).json["reports"] for _ in range(2)] == [2, 0]
        told = api("GET", f"/api/emails/{email_id}", key=luna).json
        assert (told["fate"], told["fates"]) == ("bounced", {"ana@cliente.example": "bounced"})
        for fate, found in (("bounced", [email_id]), ("delivered", [])):
            page = api("GET", f"/api/emails?fate={fate}", key=luna).json["emails"]
            assert [one["email_id"] for one in page] == found
        assert api("GET", "/api/emails?fate=lost", key=luna).status == 422
        listed = api("GET", "/api/companies/luna/email/suppressions", key=luna).json["suppressions"]
        assert [(one["reason"], one["email_id"]) for one in listed] == [("bounced", email_id)]

    def test_who_proves_nothing_learns_nothing(self, api: Api, luna: str) -> None:
        """The same 401 for a wrong key, another vendor's provider, no key, no provider and no company."""
        store(api, luna, "main", webhook_key=PUBLIC)
        email_id = send(api, luna).json["email_id"]
        batch = [self.event(api, email_id, "bounce")]
        answers = [
            self.sendgrid(api, batch, ec.generate_private_key(ec.SECP256R1())),
            self.sendgrid(api, batch, path="luna/spare"),
            self.sendgrid(api, batch, path="luna/nobody"),
            self.sendgrid(api, batch, path="nobody/main"),
            api("POST", "/api/webhook/sendgrid/luna/main", raw="[]"),
            api("POST", "/api/webhook/mailgun/luna/main", raw="{}"),
            api("POST", "/api/webhook/ses/luna/main", raw="{}"),
        ]
        store(api, luna, "spare", webhook_key="signing-key")
        for raw in ("", "7", "[]", "{", '{"signature": 1}'):
            answers.append(api("POST", "/api/webhook/mailgun/luna/spare", raw=raw))
            answers.append(api("POST", "/api/webhook/mailgun/luna/none", raw=raw))
        assert {answer.status for answer in answers} == {401}
        assert len({answer.text for answer in answers}) == 1
        assert api("GET", f"/api/emails/{email_id}", key=luna).json["reports"] == []

    def test_a_company_cannot_report_on_anothers_e_mail(self, api: Api, luna: str) -> None:
        """Whatever id it writes into a report that it signs with its own key."""
        api.company("sol", email=MAIL)
        email_id = send(api, api.operator, company_id="sol", message=MESSAGE).json["email_id"]
        store(api, luna, "main", webhook_key=PUBLIC)
        assert self.sendgrid(api, [self.event(api, email_id, "bounce")]).json["reports"] == 0

    def test_a_delivery_that_is_too_large_is_not_looked_at(self, api: Api) -> None:
        """Strangers may call."""
        answer = api("POST", "/api/webhook/mailgun/luna/spare", raw="x" * (1024 * 1024 + 1))
        assert answer.status == 413

    def test_mailguns_token_counts_for_one_event(self, api: Api, luna: str) -> None:
        """Its signature does not cover the event."""
        store(api, luna, "spare", webhook_key="signing-key")
        email_id = send(api, luna).json["email_id"]
        now = int(epoch_milliseconds(api.clock.now()) / 1000)
        signed = hmac.new(b"signing-key", f"{now}token".encode(), hashlib.sha256).hexdigest()

        def delivered(kind: str) -> Told:
            event = {
                "event": kind,
                "id": kind,
                "timestamp": now,
                "recipient": "ana@cliente.example",
                "user-variables": {EMAIL_ID: email_id},
            }
            signature = {"timestamp": str(now), "token": "token", "signature": signed}
            body = json.dumps({"signature": signature, "event-data": event})
            return api("POST", "/api/webhook/mailgun/luna/spare", raw=body)

        assert [delivered("delivered").status, delivered("delivered").status] == [200, 200]
        assert delivered("complained").status == 401
        told = api("GET", f"/api/emails/{email_id}", key=luna).json
        assert told["fates"] == {"ana@cliente.example": "delivered"}


class TestACustomersEmails:
    """Handed out and forgotten with everything else of them."""

    def test_they_are_in_the_export_and_gone_after_forgetting(self, api: Api, luna: str) -> None:
        """Those that were sent as theirs."""
        theirs = send(api, luna, message=MESSAGE, contact="3-91").json["email_id"]
        others = send(api, luna, message=MESSAGE, contact="3-911").json["email_id"]
        path = "/api/companies/luna/contacts/3-91"
        exported = api("GET", f"{path}/export", key=luna).json
        assert [one["email_id"] for one in exported["emails"]] == [theirs]
        assert exported["emails"][0]["content"]["text"] == "Hola, Ana"
        receipt = api("POST", f"{path}/forget", key=luna)
        assert "e-mails" in receipt.text
        assert api("GET", f"/api/emails/{theirs}", key=luna).status == 404
        assert api("GET", f"/api/emails/{others}", key=luna).status == 200
        assert api("GET", f"{path}/export", key=luna).json["emails"] == []


class TestHealth:
    """How providers are."""

    def health(self, api: Api, key: str) -> dict[str, str]:
        """Of e-mail; what was told before is forgotten."""
        api.clock.advance(31)
        told: dict[str, str] = api("GET", "/api/integrations/health", key=key).json["integrations"]["email"]
        return told

    def test_a_missing_secret_and_a_failing_provider_are_told(self, api: Api, luna: str) -> None:
        """Broken when none works, degraded when some do."""
        assert self.health(api, luna)["status"] == "broken"
        store(api, luna, "main", secret="SG.right")
        told = self.health(api, luna)
        assert (told["status"], told["reason"]) == ("degraded", "no secret is stored for spare")
        store(api, luna, "spare", secret="key-right")
        assert self.health(api, luna)["status"] == "ok"
        breakers = Breakers(api.emails_table, api.clock)
        breakers.failed("luna", "main", "sendgrid", at_once=True)
        assert (self.health(api, luna)["status"], "main" in self.health(api, luna)["reason"]) == (
            "degraded",
            True,
        )
        breakers.succeeded("luna", "main")
        assert self.health(api, luna)["status"] == "ok"

    def test_a_company_that_sends_no_e_mails_has_nothing_to_tell(self, api: Api) -> None:
        """It misses nothing."""
        key = api.company("sol")
        assert "email" not in api("GET", "/api/integrations/health", key=key).json["integrations"]
