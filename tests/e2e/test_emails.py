"""An e-mail through the deployed stack: asked for, delivered once, reported on."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra import names
from local.calls import Caller
from local.failure import Failure
from local.generic_calendar_simulator.app import SECRET
from local.ses_simulator import account as ses_account
from shared.email.callbacks.sendgrid import SIGNATURE_HEADER, TIMESTAMP_HEADER
from shared.email.rendered import EMAIL_ID
from tests.e2e.test_appointments import WEEK
from tests.e2e.test_conversations import Company, eventually
from tests.support.email import invitation

if TYPE_CHECKING:
    from local.ses_simulator.account import SesKey
    from tests.e2e.conftest import RunningWorld

pytestmark = pytest.mark.e2e

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


PROVIDERS = [
    {"id": "main", "vendor": "sendgrid"},
    {"id": "spare", "vendor": "mailgun", "domain": "mg.example.com"},
]


def company_with_mail(world: RunningWorld, **fields: object) -> str:
    """A company whose first provider is the simulated SendGrid and whose second is the simulated Mailgun."""
    company_id = f"mail-{uuid.uuid4().hex[:12]}"
    email = {"from_address": f"hola@{company_id}.example", "providers": PROVIDERS}
    document = {"name": "Correo", "zone": "Europe/Madrid", "language": "es", "email": email, **fields}
    world.api("PUT", f"/api/companies/{company_id}", document)
    path = f"/api/companies/{company_id}/email/secrets"
    world.api("PUT", f"{path}/main", {"secret": "SG.right", "webhook_key": PUBLIC})
    world.api("PUT", f"{path}/spare", {"secret": "key-right"})
    return company_id


def company_with_ses(world: RunningWorld, key: SesKey, *, secret: str = "", verified: bool = True) -> str:
    """A company that sends through SES in the account that the local AWS plays, or else through SendGrid.

    Args:
        world: the local world.
        key: the company's access key.
        secret: in place of the key's own.
        verified: whether SES knows that the domain is the company's.
    """
    company_id = f"mail-{uuid.uuid4().hex[:12]}"
    domain = f"{company_id}.example"
    providers = [key.provider("aws"), {"id": "spare", "vendor": "sendgrid"}]
    email = {"from_address": f"hola@{domain}", "providers": providers}
    document = {"name": "Correo", "zone": "Europe/Madrid", "language": "es", "email": email}
    if verified:
        ses_account.verify(world.world.aws_endpoint_url, domain)
    world.api("PUT", f"/api/companies/{company_id}", document)
    path = f"/api/companies/{company_id}/email/secrets"
    world.api("PUT", f"{path}/aws", {"secret": secret or key.secret})
    world.api("PUT", f"{path}/spare", {"secret": "SG.right"})
    return company_id


def sent(world: RunningWorld, company_id: str, to: str, **fields: object) -> str:
    """Ask for an e-mail; its id."""
    message = {"to": [to], "subject": "Prueba", "html": "<p>Hola</p>", **fields}
    answer: dict[str, str] = world.api("POST", "/api/emails", {"company_id": company_id, "message": message})
    return answer["email_id"]


def story(world: RunningWorld, company_id: str, email_id: str) -> dict[str, Any]:
    """What is known of it."""
    told: dict[str, Any] = world.api("GET", f"/api/emails/{email_id}?company_id={company_id}")
    return told


def accepted(world: RunningWorld, company_id: str, email_id: str) -> dict[str, Any]:
    """Its story, once a provider has it."""
    told = eventually(
        lambda: found if (found := story(world, company_id, email_id))["state"] == "ACCEPTED" else None
    )
    assert isinstance(told, dict)
    return told


def arrived(world: RunningWorld, to: str) -> list[dict[str, Any]]:
    """The mails that the simulators took for an address."""
    mails = Caller(world.world.mail_base_url)("GET", "/simulator/mails")
    return [mail for mail in mails if to in mail["recipients"]]


def test_an_e_mail_arrives_once_and_its_report_becomes_part_of_its_story(world: RunningWorld) -> None:
    """Asked for over the API, sent by the worker with a secret of the vault, reported with a signature."""
    company_id, to = company_with_mail(world), f"{uuid.uuid4().hex}@cliente.example"
    email_id = sent(world, company_id, to)
    told = accepted(world, company_id, email_id)
    assert (told["provider"], told["attempts"], told["possible_duplicate"]) == ("main", 1, False)
    [mail] = arrived(world, to)
    assert mail["subject"] == "Prueba"
    event = {"event": "delivered", "email": to, "sg_event_id": "e-1", EMAIL_ID: email_id}
    assert reported(world, company_id, event, forged={"event": "bounce"}) == 401
    assert reported(world, company_id, event) == 200
    assert story(world, company_id, email_id)["fates"] == {to: "delivered"}


def reported(
    world: RunningWorld, company_id: str, event: dict[str, Any], forged: dict[str, Any] | None = None
) -> int:
    """SendGrid tells what happened now, and perhaps somebody changes its words; the answer's status."""
    now = int(time.time())
    signed, said = (json.dumps([{**event, "timestamp": now, **more}]).encode() for more in ({}, forged or {}))
    signature = base64.b64encode(KEY.sign(str(now).encode() + signed, ec.ECDSA(SHA256()))).decode()
    url = f"{world.world.api_url}/api/webhook/sendgrid/{company_id}/main"
    headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: str(now), "Content-Type": "application/json"}
    return requests.post(url, said, headers=headers, timeout=30).status_code


def test_what_came_back_is_found_in_the_list_and_sent_again(world: RunningWorld) -> None:
    """By its fate; the second time it arrives, and the first one's late words change nothing."""
    company_id, to = company_with_mail(world), f"{uuid.uuid4().hex}@cliente.example"
    email_id = sent(world, company_id, to)
    accepted(world, company_id, email_id)
    event = {"event": "dropped", "email": to, "sg_event_id": "e-1", EMAIL_ID: email_id}
    assert reported(world, company_id, {**event, "reason": "Spam Content"}) == 200

    def listed(fate: str) -> list[str]:
        page = world.api("GET", f"/api/emails?company_id={company_id}&fate={fate}")["emails"]
        return [one["email_id"] for one in page]

    assert eventually(lambda: listed("dropped")) == [email_id]
    time.sleep(1.1)  # SendGrid tells times in whole seconds
    world.api("POST", f"/api/emails/{email_id}/resend", {"company_id": company_id})
    eventually(lambda: len(arrived(world, to)) == 2)
    accepted(world, company_id, email_id)
    assert reported(world, company_id, {**event, "event": "delivered", "sg_event_id": "e-2"}) == 200
    assert eventually(lambda: listed("delivered")) == [email_id]
    assert len({dict(mail["headers"])["Message-ID"] for mail in arrived(world, to)}) == 1
    with pytest.raises(Failure, match="nothing to send again"):
        world.api("POST", f"/api/emails/{email_id}/resend", {"company_id": company_id})


def test_a_copy_for_whom_a_server_turned_away_shows_nobody_a_blind_one(world: RunningWorld) -> None:
    """The company's own server does not relay to some; the next provider brings it to them."""
    company_id, mark = f"mail-{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    server = {"host": "127.0.0.1", "port": world.world.smtp_port, "username": "hola"}
    providers = [{"id": "own", "vendor": "smtp", **server}, {"id": "grid", "vendor": "sendgrid"}]
    email = {"from_address": f"hola@{company_id}.example", "providers": providers}
    document = {"name": "Correo", "zone": "Europe/Madrid", "language": "es", "email": email}
    world.api("PUT", f"/api/companies/{company_id}", document)
    for provider, secret in (("own", "right"), ("grid", "SG.right")):
        world.api("PUT", f"/api/companies/{company_id}/email/secrets/{provider}", {"secret": secret})
    to, cc, bcc = (f"{name}-{mark}@cliente.example" for name in ("to", "cc", "bcc"))
    fault = {"stage": "rcpt", "reply": "554 5.7.1 Relaying denied", "times": None}
    simulator = Caller(world.world.mail_base_url)
    faults = [{**fault, "matching": one} for one in (cc, bcc)]
    simulator("PUT", "/simulator/smtp-faults", faults)
    try:
        told = accepted(world, company_id, sent(world, company_id, to, cc=[cc], bcc=[bcc]))
    finally:
        simulator("PUT", "/simulator/smtp-faults", [])
    assert (told["provider"], told["refused_recipients"], len(told["rests"])) == ("own", 2, 1)
    function = names.function("local", names.EMAIL_DELIVERY)
    world.aws("lambda").invoke(FunctionName=function, Payload=b"{}")  # the clock's sweep
    assert accepted(world, company_id, told["rests"][0])["provider"] == "grid"
    first, *copies = (mail for one in (to, cc, bcc) for mail in arrived(world, one))
    assert (first["via"], first["recipients"]) == ("smtp", [to])
    assert [mail["recipients"] for mail in copies] == [[cc], [bcc]]
    shown = [dict(mail["headers"]) for mail in (first, *copies)]
    assert [bcc in f"{one.get('To')} {one.get('Cc')}" for one in shown] == [False, False, True]
    assert len({one["Message-ID"] for one in shown}) == 1


def test_a_provider_that_refuses_the_account_is_passed_over(world: RunningWorld) -> None:
    """The customer has the mail, once, and the story says why it took another way."""
    company_id, to = company_with_mail(world), f"{uuid.uuid4().hex}@cliente.example"
    world.api("PUT", f"/api/companies/{company_id}/email/secrets/main", {"secret": "SG.wrong"})
    mail = Caller(world.world.mail_base_url)
    mail("PUT", "/simulator/faults", [{"path": "/v3/mail/send", "status": 401, "body": "Forbidden"}])
    try:
        told = accepted(world, company_id, sent(world, company_id, to))
    finally:
        mail("PUT", "/simulator/faults", [])
    assert (told["provider"], told["attempts"]) == ("spare", 2)
    assert told["tried"]["main"]["ended"] == "denied"
    assert len(arrived(world, to)) == 1


def test_a_large_file_is_uploaded_once_and_arrives_as_it_was(world: RunningWorld) -> None:
    """By a signed address that takes these bytes and no others; then inside the mail, byte by byte."""
    company_id, to = company_with_mail(world), f"{uuid.uuid4().hex}@cliente.example"
    content = uuid.uuid4().bytes * 62_500  # a megabyte
    wish = {
        "company_id": company_id,
        "content_type": "application/pdf",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    place = world.api("POST", "/api/emails/files", wish)
    assert [put(place, content[1:] + b"x"), put(place, content + b"x"), put(place, content, "")] == [
        400,
        403,
        403,
    ]
    file = {"name": "plan.pdf", "content_type": "application/pdf", "stored": place["stored"]}
    message = {"to": [to], "subject": "Plan", "text": "Hola", "attachments": [file]}
    with pytest.raises(Failure, match="was not uploaded"):
        world.api("POST", "/api/emails", {"company_id": company_id, "message": message})
    assert [put(place, content), put(place, content)] == [200, 412]
    email_id = world.api("POST", "/api/emails", {"company_id": company_id, "message": message})["email_id"]
    assert accepted(world, company_id, email_id)["content"]["attachments"][0]["stored"]["version_id"]
    [mail] = arrived(world, to)
    [shown] = mail["files"]
    assert (shown["name"], shown["bytes"]) == ("plan.pdf", len(content))
    url = f"{world.world.mail_base_url}/inbox/{mail['number']}/files/0"
    assert requests.get(url, timeout=30).content == content


def put(place: dict[str, Any], content: bytes, if_none_match: str = "*") -> int:
    """Upload; the store's status."""
    headers = {**place["upload"]["headers"], "If-None-Match": if_none_match}
    del headers["Content-Length"]  # whoever uploads says how much it is by itself
    return requests.put(place["upload"]["url"], data=content, headers=headers, timeout=30).status_code


def test_ses_takes_an_e_mail_with_its_invitation_and_its_file_whole(world: RunningWorld) -> None:
    """Under a key that may send and nothing else; SES puts its own Message-ID in place of ours."""
    company_id = company_with_ses(world, ses_account.new_key(world.world.aws_endpoint_url))
    to, file = f"{uuid.uuid4().hex}@cliente.example", b"%PDF-1.7\n.\n\xff\x00\r\n"
    attached = {
        "name": "plan.pdf",
        "content_type": "application/pdf",
        "content": base64.b64encode(file).decode(),
    }
    shown = invitation().model_dump(mode="json")
    email_id = sent(world, company_id, to, attachments=[attached], invitation=shown)
    told = accepted(world, company_id, email_id)
    assert (told["provider"], told["attempts"], told["possible_duplicate"]) == ("aws", 1, False)
    [mail] = arrived(world, to)
    assert (mail["via"], mail["subject"], mail["html"].strip()) == ("ses", "Prueba", "<p>Hola</p>")
    assert (mail["invitation"]["method"], mail["invitation"]["uid"]) == ("REQUEST", shown["uid"])
    assert [one["name"] for one in mail["files"]] == ["plan.pdf", "invite.ics"]
    download = requests.get(f"{world.world.mail_base_url}/inbox/{mail['number']}/files/0", timeout=30)
    assert download.content == file
    assert dict(mail["headers"])["Message-ID"].endswith("@email.amazonses.com>")
    assert mail["extras"]["tags"][EMAIL_ID] == email_id


@pytest.mark.parametrize(
    ("may_send", "secret", "verified"),
    [(False, "", True), (True, "x" * 40, True), (True, "", False)],
    ids=["a key that may not send", "a wrong secret", "a domain that is not verified"],
)
def test_an_account_that_ses_refuses_is_passed_over(
    world: RunningWorld, *, may_send: bool, secret: str, verified: bool
) -> None:
    """The local AWS enforces IAM and knows its identities; the customer has the mail once all the same."""
    key = ses_account.new_key(world.world.aws_endpoint_url, may_send=may_send)
    company_id = company_with_ses(world, key, secret=secret, verified=verified)
    to = f"{uuid.uuid4().hex}@cliente.example"
    told = accepted(world, company_id, sent(world, company_id, to))
    assert (told["provider"], told["attempts"]) == ("spare", 2)
    assert told["tried"]["aws"]["ended"] == "denied"
    assert [mail["via"] for mail in arrived(world, to)] == ["sendgrid"]


def test_a_hand_over_is_told_to_the_companys_people_by_e_mail_once(world: RunningWorld) -> None:
    """Who wants a person stands in Chatwoot and, a moment later, in the company's own mailbox."""
    to = f"team-{uuid.uuid4().hex}@clinic.example"
    company = Company(
        world,
        staff_email=to,
        email={"from_address": "desk@clinic.example", "providers": PROVIDERS[:1]},
        hand_over={"notify_by_email": "always"},
    )
    world.api("PUT", f"/api/companies/{company.id}/email/secrets/main", {"secret": "SG.right"})
    try:
        written = company.chatwoot.customer_writes("I want to talk to a person, please", contact="Ana Pérez")
        company.replies(written.conversation_id)
        [mail] = eventually(lambda: arrived(world, to))
        company.chatwoot.repeat(eventually(company.deliveries)[0])
        time.sleep(5)
    finally:
        company.chatwoot.close()
    assert len(arrived(world, to)) == 1
    assert mail["subject"] == "A conversation is waiting for a person"
    assert "The customer asked for it." in json.dumps(mail)
    assert "please" not in json.dumps(mail)


def test_an_appointments_news_reach_its_customer_with_their_invitation(world: RunningWorld) -> None:
    """Booked, moved and cancelled over the API: one mail each, in the order of time, for one entry."""
    url = f"{world.world.generic_calendar_base_url}/calendars/room"
    company_id, to = (
        company_with_mail(
            world,
            calendars=[{"id": "room", "provider": "generic", "calendar": url}],
            services=[{"id": "cut", "name": "Corte", "duration_minutes": 30}],
            opening_hours={day: [{"from": "09:00", "to": "20:00"}] for day in WEEK},
        ),
        f"{uuid.uuid4().hex}@cliente.example",
    )
    world.api("PUT", f"/api/companies/{company_id}/calendars/room/secret", {"secret": SECRET})
    slots = world.api("GET", f"/api/calendar/availability?company_id={company_id}&service=cut")["slots"]
    path = "/api/calendar/appointments"
    wish = {
        "company_id": company_id,
        "service": "cut",
        "start": slots[-1]["start"],
        "name": "Ana",
        "email": to,
    }
    one = f"{path}/{world.api('POST', path, wish)['appointment_id']}"
    eventually(lambda: len(arrived(world, to)) == 1)
    world.api("PATCH", one, {"company_id": company_id, "start": slots[-9]["start"]})
    eventually(lambda: len(arrived(world, to)) == 2)
    world.api("DELETE", f"{one}?company_id={company_id}")
    eventually(lambda: len(arrived(world, to)) == 3)
    told = [mail["invitation"] for mail in arrived(world, to)]
    assert [(one["method"], one["sequence"]) for one in told] == [
        ("REQUEST", 0),
        ("REQUEST", 1),
        ("CANCEL", 2),
    ]
    assert len({one["uid"] for one in told}) == 1
