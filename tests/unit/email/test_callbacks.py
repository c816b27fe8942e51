"""Providers' reports count only when they are really theirs, and say the same in every provider's words."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from shared.email.callbacks import mailgun, sendgrid, ses, sns
from shared.email.callbacks.reports import Fate
from shared.email.rendered import EMAIL_ID
from shared.platform.errors import InvalidInput, RetryLater, Untrusted
from shared.platform.secret import Secret
from tests.fakes.scripted_http import ScriptedHttp, answer

NOW = 1_795_424_400
MAIL = "em-0123456789abcdef"
WRITTEN = dt.datetime.fromtimestamp(NOW, dt.UTC)


# SendGrid

SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())


def _public(key: ec.EllipticCurvePrivateKey = SENDGRID_KEY) -> str:
    return base64.b64encode(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()


def _sendgrid(body: bytes, stamp: str = str(NOW)) -> dict[str, str]:
    signature = SENDGRID_KEY.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
    return {
        sendgrid.SIGNATURE_HEADER: base64.b64encode(signature).decode(),
        sendgrid.TIMESTAMP_HEADER: stamp,
    }


def _batch(**fields: object) -> bytes:
    event = {
        "event": "delivered",
        "email": "marta@example.org",
        "timestamp": NOW,
        "sg_event_id": "e1",
        "sg_message_id": "abc.filter-1",
        EMAIL_ID: MAIL,
        **fields,
    }
    return json.dumps([event]).encode()


def test_a_batch_of_sendgrid_is_believed_as_it_was_signed() -> None:
    """An hour late is not too late: SendGrid tries again for a day."""
    body = _batch()
    sendgrid.verify(_sendgrid(body), body, _public(), now_seconds=NOW + 3600)
    (report,) = sendgrid.reports(body)
    assert (report.fate, report.email_id, report.provider_id) == (Fate.DELIVERED, MAIL, "abc")
    assert (report.address, report.at, report.event_id) == ("marta@example.org", WRITTEN, "e1")


@given(bit=st.integers(min_value=0))
def test_no_bit_of_a_batch_can_be_changed(bit: int) -> None:
    """The signature covers the raw bytes."""
    body = _batch()
    headers = _sendgrid(body)
    place = bit % (len(body) * 8)
    changed = bytearray(body)
    changed[place // 8] ^= 1 << (place % 8)
    with pytest.raises(Untrusted):
        sendgrid.verify(headers, bytes(changed), _public(), now_seconds=NOW)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "timestamp_malformed"),
        ({sendgrid.TIMESTAMP_HEADER: "²"}, "timestamp_malformed"),
        ({sendgrid.TIMESTAMP_HEADER: "9" * 400}, "timestamp_malformed"),
        ({sendgrid.TIMESTAMP_HEADER: str(NOW - 26 * 3600)}, "timestamp_off"),
        ({sendgrid.TIMESTAMP_HEADER: str(NOW)}, "signature_wrong"),
        ({sendgrid.TIMESTAMP_HEADER: str(NOW), sendgrid.SIGNATURE_HEADER: "ñ"}, "signature_malformed"),
        ({sendgrid.TIMESTAMP_HEADER: str(NOW), sendgrid.SIGNATURE_HEADER: "AAAA"}, "signature_wrong"),
    ],
)
def test_odd_headers_of_sendgrid_are_untrusted_and_nothing_else(headers: dict[str, str], reason: str) -> None:
    """Whatever stands in the headers, the answer is the same 401."""
    with pytest.raises(Untrusted) as refused:
        sendgrid.verify(headers, _batch(), _public(), now_seconds=NOW)
    assert refused.value.reason == reason


def test_another_companys_key_does_not_verify() -> None:
    """Each company has its own key."""
    body = _batch()
    other = _public(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(Untrusted):
        sendgrid.verify(_sendgrid(body), body, other, now_seconds=NOW)


def test_a_verification_key_that_is_none_is_refused_in_words() -> None:
    """It is checked when it is set, not when the first mail bounces."""
    rsa_key = rsa.generate_private_key(65537, 2048).public_key()
    der = base64.b64encode(rsa_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    for wrong in ("", "%%%", base64.b64encode(b"no key").decode(), der):
        with pytest.raises(InvalidInput, match="verification key"):
            sendgrid.public_key(wrong)


@pytest.mark.parametrize(
    ("fields", "fate", "permanent"),
    [
        ({"event": "processed"}, Fate.ACCEPTED, False),
        ({"event": "deferred", "response": "try later"}, Fate.DELAYED, False),
        ({"event": "bounce", "type": "bounce", "reason": "550 no such user"}, Fate.BOUNCED, True),
        ({"event": "bounce", "type": "blocked"}, Fate.BOUNCED, False),
        ({"event": "dropped", "reason": "Bounced Address"}, Fate.DROPPED, True),
        ({"event": "bounce", "type": "expired"}, Fate.BOUNCED, False),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, Fate.DROPPED, True),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, Fate.DROPPED, True),
        ({"event": "dropped", "reason": "Invalid"}, Fate.DROPPED, True),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, Fate.DROPPED, False),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, Fate.DROPPED, False),
        ({"event": "dropped", "reason": "Spam Content (if Spam Checker app enabled)"}, Fate.DROPPED, False),
        ({"event": "spamreport"}, Fate.COMPLAINED, True),
        ({"event": "group_unsubscribe"}, Fate.UNSUBSCRIBED, True),
    ],
)
def test_sendgrids_events_say_whether_the_address_is_lost(
    fields: dict[str, Any], fate: Fate, *, permanent: bool
) -> None:
    """Only what lasts may lead to a suppression."""
    (report,) = sendgrid.reports(_batch(**fields))
    assert (report.fate, report.permanent) == (fate, permanent)


def test_opened_and_clicked_say_nothing() -> None:
    """Who opened a mail is nobody's business here."""
    others: list[object] = ["open", "click", None, [], {}]
    for other in others:
        assert sendgrid.reports(_batch(event=other)) == []


@pytest.mark.parametrize("body", [b"", b"\xff", b"{}", b"[1]", b"null", b"[" * 100_000])
def test_a_body_that_is_no_batch_is_refused_in_words(body: bytes) -> None:
    """Also one nested deeper than any parser goes."""
    with pytest.raises(InvalidInput):
        sendgrid.reports(body)


@pytest.mark.parametrize("when", [None, "soon", True, float("inf"), 1e300, {}])
def test_an_event_without_a_time_is_refused(when: object) -> None:
    """Without it events could not be put in order."""
    with pytest.raises(InvalidInput):
        sendgrid.reports(_batch(timestamp=when))


def test_an_id_that_is_not_ours_is_no_id_and_words_are_cut_to_one_line() -> None:
    """What comes back is other people's text."""
    words = "a\r\nb\u202e\ud800" + "c" * 900
    (report,) = sendgrid.reports(_batch(**{EMAIL_ID: "../../x", "reason": words}))
    assert report.email_id == ""
    assert report.words.startswith("a b c")
    assert len(report.words) == 500


# Mailgun

SIGNING_KEY = Secret("key-0123456789abcdef")


def _mailgun(event: dict[str, Any], *, token: str = "t" * 50, stamp: str = str(NOW)) -> bytes:
    digest = hmac.new(SIGNING_KEY.reveal().encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": stamp, "token": token, "signature": digest}
    return json.dumps({"signature": signature, "event-data": event}).encode()


def _event(**fields: object) -> dict[str, Any]:
    return {
        "event": "delivered",
        "id": "ev1",
        "timestamp": NOW + 0.5,
        "recipient": "marta@example.org",
        "user-variables": {EMAIL_ID: MAIL},
        "message": {"headers": {"message-id": "m1@mail.example.org"}},
        **fields,
    }


def test_a_delivery_of_mailgun_is_believed_as_it_was_signed() -> None:
    """The id we sent along comes back in the variables."""
    delivery = mailgun.read(_mailgun(_event()), SIGNING_KEY, now_seconds=NOW)
    (report,) = delivery.reports
    assert (report.fate, report.email_id, report.provider_id) == (Fate.DELIVERED, MAIL, "m1@mail.example.org")


def test_a_token_with_another_event_is_seen() -> None:
    """Mailgun's signature does not cover the event, so one signature is good for one event."""
    first = mailgun.read(_mailgun(_event()), SIGNING_KEY, now_seconds=NOW).token
    again = mailgun.read(_mailgun(_event()), SIGNING_KEY, now_seconds=NOW).token
    forged = mailgun.read(_mailgun(_event(recipient="boss@example.org")), SIGNING_KEY, now_seconds=NOW).token
    assert again == first
    assert (forged.name, forged.event == first.event) == (first.name, False)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (None, "signature_missing"),
        ([], "signature_missing"),
        ({"timestamp": NOW, "token": "t", "signature": "0" * 64}, "signature_missing"),
        ({"timestamp": "soon", "token": "t", "signature": "0" * 64}, "timestamp_malformed"),
        ({"timestamp": str(NOW), "token": "t", "signature": "ñ" * 64}, "signature_malformed"),
        ({"timestamp": str(NOW), "token": "", "signature": "0" * 64}, "signature_malformed"),
        ({"timestamp": str(NOW - 10 * 3600), "token": "t", "signature": "0" * 64}, "timestamp_off"),
        ({"timestamp": str(NOW), "token": "t", "signature": "0" * 64}, "signature_wrong"),
        ({"timestamp": str(NOW), "token": "\ud800", "signature": "0" * 64}, "signature_wrong"),
    ],
)
def test_odd_signatures_of_mailgun_are_untrusted_and_nothing_else(signature: object, reason: str) -> None:
    """Whatever stands in the signature, the answer is the same 401."""
    body = json.dumps({"signature": signature, "event-data": _event()}).encode()
    with pytest.raises(Untrusted) as refused:
        mailgun.read(body, SIGNING_KEY, now_seconds=NOW)
    assert refused.value.reason == reason


def test_another_accounts_signing_key_does_not_verify() -> None:
    """Each company has its own account."""
    with pytest.raises(Untrusted):
        mailgun.read(_mailgun(_event()), Secret("key-of-another"), now_seconds=NOW)


@pytest.mark.parametrize(
    ("fields", "fate", "permanent"),
    [
        ({"event": "failed", "severity": "temporary"}, Fate.DELAYED, False),
        ({"event": "failed", "severity": "permanent", "reason": "generic"}, Fate.BOUNCED, True),
        ({"event": "failed", "severity": "permanent", "reason": "old"}, Fate.BOUNCED, False),
        ({"event": "failed", "severity": "permanent", "reason": "suppress-bounce"}, Fate.DROPPED, True),
        ({"event": "rejected"}, Fate.DROPPED, False),
        ({"event": "complained"}, Fate.COMPLAINED, True),
        ({"event": "unsubscribed"}, Fate.UNSUBSCRIBED, True),
    ],
)
def test_mailguns_events_say_whether_the_address_is_lost(
    fields: dict[str, Any], fate: Fate, *, permanent: bool
) -> None:
    """Only what lasts may lead to a suppression."""
    (report,) = mailgun.read(_mailgun(_event(**fields)), SIGNING_KEY, now_seconds=NOW).reports
    assert (report.fate, report.permanent) == (fate, permanent)


@pytest.mark.parametrize("event", ["opened", "clicked", "stored", None, [], 5])
def test_other_events_of_mailgun_say_nothing(event: object) -> None:
    """New kinds of events must not break the ones we know."""
    assert mailgun.read(_mailgun(_event(event=event)), SIGNING_KEY, now_seconds=NOW).reports == ()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_json_comes_it_is_refused_and_never_crashes(given_json: Any) -> None:  # noqa: ANN401 - any JSON
    """A stranger's JSON is refused by name, never by a stack trace."""
    body = json.dumps(given_json).encode()
    with pytest.raises((InvalidInput, Untrusted)):
        mailgun.read(body, SIGNING_KEY, now_seconds=NOW)
    with pytest.raises((InvalidInput, Untrusted)):
        sns.read(body, TOPIC, _certificates(), now_seconds=NOW)


# SES over SNS

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail-events"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
SNS_KEY = rsa.generate_private_key(65537, 2048)


def _certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(SNS_KEY.public_key())
        .serial_number(1)
        .not_valid_before(WRITTEN - dt.timedelta(days=1))
        .not_valid_after(WRITTEN + dt.timedelta(days=1))
        .sign(SNS_KEY, SHA256())
    )
    return built.public_bytes(Encoding.PEM).decode()


PEM = _certificate()


def _certificates(http: ScriptedHttp | None = None) -> sns.Certificates:
    http = http or ScriptedHttp(answer(200, PEM))
    return sns.Certificates(lambda: http, sns.is_sns_address)


def _sns(*, version: str = "2", **fields: str) -> bytes:
    message = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": "{}",
        "Timestamp": WRITTEN.isoformat().replace("+00:00", "Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **fields,
    }
    hashing = SHA1() if version == "1" else SHA256()  # noqa: S303 - version 1 of SNS's signatures
    signature = SNS_KEY.sign(sns.signed_text(message), padding.PKCS1v15(), hashing)
    message["Signature"] = base64.b64encode(signature).decode()
    return json.dumps(message).encode()


def _changed(fields: dict[str, str]) -> bytes:
    return json.dumps({**json.loads(_sns()), **fields}).encode()


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_notification_of_our_topic_is_believed(version: str) -> None:
    """Both versions of SNS's signatures are in use."""
    read = sns.read(_sns(version=version, Subject="S"), TOPIC, _certificates(), now_seconds=NOW + 60)
    assert (read.kind, read.message_id, read.message) == ("Notification", "m-1", "{}")


def test_sns_signs_its_fields_in_the_documented_order() -> None:
    """Written out, because the other tests sign with our own function."""
    fields = {"Type": "Notification", "MessageId": "1", "TopicArn": "t", "Message": "m", "Timestamp": "z"}
    assert (
        sns.signed_text({**fields, "Subject": "s", "Other": "o"})
        == b"Message\nm\nMessageId\n1\nSubject\ns\nTimestamp\nz\nTopicArn\nt\nType\nNotification\n"
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Message": "{ }"}, "signature_wrong"),
        ({"Subject": "new"}, "signature_wrong"),
        ({"Subject": "\ud800"}, "signature_wrong"),
        ({"Type": "Invitation"}, "malformed_event"),
        ({"SignatureVersion": "1"}, "signature_wrong"),
        ({"SignatureVersion": "3"}, "signature_missing"),
        ({"Signature": "ñ"}, "signature_missing"),
        ({"Signature": ""}, "signature_missing"),
        ({"TopicArn": "arn:aws:sns:eu-west-1:999999999999:mine"}, "topic_unknown"),
    ],
)
def test_a_changed_notification_is_untrusted(changed: dict[str, str], reason: str) -> None:
    """Every signed field counts."""
    with pytest.raises(Untrusted) as refused:
        sns.read(_changed(changed), TOPIC, _certificates(), now_seconds=NOW)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://user@sns.eu-west-1.amazonaws.com/x.pem",
        "https://bucket.s3.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem?to=evil.example",
        "https://sns.eu-west-1.amazonaws.com/x.txt",
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
        "https://sns.eu-west-1.amazonaws.com:x/x.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem\n",
        "https://[::1",
        "",
    ],
)
def test_certificates_are_fetched_from_sns_only(url: str) -> None:
    """The sender names the certificate's address, so it is a stranger's URL."""
    http = ScriptedHttp(answer(200, PEM))
    with pytest.raises(Untrusted):
        sns.read(_sns(SigningCertURL=url), TOPIC, _certificates(http), now_seconds=NOW)
    assert http.made == []


def test_a_stranger_cannot_make_us_fetch_certificates() -> None:
    """Topics are compared before anything is fetched; no topic set up means nobody may speak."""
    http = ScriptedHttp(answer(200, PEM))
    with pytest.raises(Untrusted):
        sns.read(_sns(TopicArn="arn:aws:sns:x"), TOPIC, _certificates(http), now_seconds=NOW)
    with pytest.raises(Untrusted):
        sns.read(_sns(TopicArn=""), "", _certificates(http), now_seconds=NOW)
    assert http.made == []


def test_a_certificate_is_fetched_once() -> None:
    """Not once for every event."""
    http = ScriptedHttp(answer(200, PEM))
    certificates = _certificates(http)
    for _ in range(3):
        sns.read(_sns(), TOPIC, certificates, now_seconds=NOW)
    assert len(http.made) == 1


@pytest.mark.parametrize(
    ("given_answer", "error"),
    [
        (answer(503, "busy"), RetryLater),
        (answer(200, "<html>"), Untrusted),
    ],
)
def test_without_its_certificate_nothing_is_believed(given_answer: Any, error: type[Exception]) -> None:  # noqa: ANN401 - an HttpAnswer
    """An outage is tried again, anything odd is not."""
    with pytest.raises(error):
        sns.read(_sns(), TOPIC, _certificates(ScriptedHttp(given_answer)), now_seconds=NOW)


def test_an_old_notification_is_untrusted() -> None:
    """A recorded one cannot be played a week later."""
    with pytest.raises(Untrusted):
        sns.read(_sns(), TOPIC, _certificates(), now_seconds=NOW + 26 * 3600)


def test_a_subscription_is_confirmed_at_sns_only() -> None:
    """The address to visit is a stranger's URL as well."""
    confirmation = {"Type": "SubscriptionConfirmation", "Token": "t"}
    right = _sns(**confirmation, SubscribeURL="https://sns.eu-west-1.amazonaws.com/?Action=Confirm")
    read = sns.read(right, TOPIC, _certificates(), now_seconds=NOW)
    assert read.subscribe_url == "https://sns.eu-west-1.amazonaws.com/?Action=Confirm"
    wrong = _sns(**confirmation, SubscribeURL="https://169.254.169.254/")
    with pytest.raises(Untrusted):
        sns.read(wrong, TOPIC, _certificates(), now_seconds=NOW)


def _ses(kind: str, *, key: str = "eventType", **details: object) -> str:
    mail = {
        "messageId": "ses-1",
        "timestamp": "2026-11-22T10:00:00.000Z",
        "destination": ["marta@example.org"],
        "tags": {EMAIL_ID: [MAIL]},
    }
    return json.dumps({key: kind, "mail": mail, **details})


@pytest.mark.parametrize("key", ["eventType", "notificationType"])
def test_a_bounce_names_every_recipient(key: str) -> None:
    """In both of SES's formats."""
    bounce = {
        "bounceType": "Permanent",
        "feedbackId": "f1",
        "timestamp": "2026-11-22T10:00:05.000Z",
        "bouncedRecipients": [
            {"emailAddress": "a@example.org", "diagnosticCode": "smtp; 550 5.1.1 unknown"},
            {"emailAddress": "b@example.org"},
        ],
    }
    first, second = ses.reports(_ses("Bounce", key=key, bounce=bounce))
    assert (first.address, first.fate, first.permanent) == ("a@example.org", Fate.BOUNCED, True)
    assert (first.words, first.email_id) == ("smtp; 550 5.1.1 unknown", MAIL)
    assert (second.address, second.event_id != first.event_id) == ("b@example.org", True)


def test_what_ses_says_in_other_words_means_the_same() -> None:
    """One vocabulary behind all providers."""

    def one(message: str) -> tuple[Fate, bool, str]:
        (report,) = ses.reports(message)
        return report.fate, report.permanent, report.address

    marta = "marta@example.org"
    assert one(_ses("Send")) == (Fate.ACCEPTED, False, marta)
    assert one(_ses("Reject")) == (Fate.DROPPED, False, marta)
    assert one(_ses("Delivery", delivery={"recipients": [marta]})) == (Fate.DELIVERED, False, marta)
    transient = {"bounceType": "Transient", "bouncedRecipients": [{"emailAddress": marta}]}
    assert one(_ses("Bounce", bounce=transient)) == (Fate.BOUNCED, False, marta)
    complaint = {"complainedRecipients": [{"emailAddress": marta}]}
    assert one(_ses("Complaint", complaint=complaint)) == (Fate.COMPLAINED, True, marta)
    assert ses.reports(_ses("Open")) == []


@pytest.mark.parametrize("kind", [{}, [], 7, None])
def test_a_complaint_of_an_odd_kind_is_a_complaint(kind: object) -> None:
    """And no error of ours."""
    complaint = {"complainedRecipients": [{"emailAddress": "a@b.example"}], "complaintFeedbackType": kind}
    (report,) = ses.reports(_ses("Complaint", complaint=complaint))
    assert report.fate is Fate.COMPLAINED


def test_a_passing_bounce_of_ses_is_not_certain() -> None:
    """It may be somebody's holiday notice."""
    for kind, certain in (("Transient", False), ("Undetermined", False), ("Permanent", True)):
        bounce = {"bounceType": kind, "bouncedRecipients": [{"emailAddress": "a@b.example"}]}
        (report,) = ses.reports(_ses("Bounce", bounce=bounce))
        assert report.certain == certain


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_feedback_that_complains_of_nothing_is_no_complaint(kind: str) -> None:
    """Who said that a mail is no spam wants the next one."""
    complaint = {"complainedRecipients": [{"emailAddress": "a@b.example"}], "complaintFeedbackType": kind}
    assert ses.reports(_ses("Complaint", complaint=complaint)) == []


def test_only_who_wants_nothing_at_all_is_unsubscribed() -> None:
    """From then on: the mail itself is older."""

    def changed(**preferences: object) -> str:
        details = {"timestamp": "2026-11-23T08:00:00Z", "newTopicPreferences": preferences}
        return _ses("Subscription", subscription=details)

    assert ses.reports(changed(unsubscribeAll=False, topicSubscriptionStatus=[])) == []
    (report,) = ses.reports(changed(unsubscribeAll=True))
    assert (report.fate, report.permanent) == (Fate.UNSUBSCRIBED, True)
    assert report.at.isoformat() == "2026-11-23T08:00:00+00:00"


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_of_the_calendar_is_none(when: str) -> None:
    """A mistake of the sender's."""
    with pytest.raises(InvalidInput):
        ses.reports(_ses("Delivery", delivery={"timestamp": when, "recipients": ["a@b.example"]}))


@pytest.mark.parametrize(
    "message", ["", "[]", "7", '{"eventType":"Bounce"}', _ses("Bounce"), _ses("Bounce", bounce=[])]
)
def test_an_event_of_ses_that_lacks_its_parts_is_refused(message: str) -> None:
    """Refused in words, not with a KeyError."""
    with pytest.raises(InvalidInput):
        ses.reports(message)
