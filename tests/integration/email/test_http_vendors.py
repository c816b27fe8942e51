"""What SendGrid, Mailgun and SES say in their own ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from shared.email.providers.contract import Ambiguous, NotAccepted, Rejected, Unsupported, said, wait_seconds
from shared.email.providers.http_answers import refuses, retry_after_seconds
from shared.email.providers.mailgun import HOSTS as MAILGUN
from shared.email.providers.sendgrid import HOSTS as SENDGRID
from shared.email.providers.sendgrid import SendGrid
from shared.email.providers.ses import _judged as understood
from shared.email.rendered import File
from shared.platform.clock import Deadline, SystemClock
from shared.platform.http import HttpAnswer, HttpClient
from shared.platform.secret import Secret
from tests.support.email import rendered
from tests.support.mail import LOOPBACK

if TYPE_CHECKING:
    from tests.support.mail import Bench, Benches


def soon() -> Deadline:
    """A deadline of the real clock."""
    return Deadline(SystemClock(), 20)


@pytest.fixture
def sendgrid(benches: Benches) -> Bench:
    """SendGrid alone."""
    return benches.bench("sendgrid")


@pytest.fixture
def mailgun(benches: Benches) -> Bench:
    """Mailgun alone."""
    return benches.bench("mailgun")


def refused(bench: Bench, **fault: object) -> Rejected:
    """How the vendor's refusal is understood."""
    bench.fail(**fault)
    with pytest.raises(Rejected) as caught:
        bench.provider().send(rendered(), soon())
    return caught.value


def test_sendgrids_used_up_credits_are_not_a_wrong_key(sendgrid: Bench) -> None:
    """Both come as 401."""
    error = refused(sendgrid, status=401, body="Maximum credits exceeded")
    assert (error.about, error.reason) == ("account", "billing")
    error = refused(sendgrid, status=401, body="The provided authorization grant is invalid")
    assert (error.about, error.reason) == ("account", "denied")


def test_sendgrids_reset_is_a_moment(sendgrid: Bench) -> None:
    """In epoch seconds, not a wait."""
    sendgrid.fail(status=429, retry_after_seconds=30)
    with pytest.raises(NotAccepted) as caught:
        sendgrid.provider().send(rendered(), soon())
    assert 27 <= (caught.value.after_seconds or 0) <= 30


def test_mailguns_retry_after_is_a_wait(mailgun: Bench) -> None:
    """In seconds."""
    mailgun.fail(status=429, retry_after_seconds=30)
    with pytest.raises(NotAccepted) as caught:
        mailgun.provider().send(rendered(), soon())
    assert caught.value.after_seconds == 30


@pytest.mark.parametrize("domain", ["elsewhere.example", "sandbox1.mailgun.example", "unpaid.example"])
def test_mailguns_domains_are_the_accounts_matter(mailgun: Bench, domain: str) -> None:
    """The other region, an unlisted recipient of a sandbox, an unpaid account."""
    with pytest.raises(Rejected) as caught:
        mailgun.provider(domain=domain).send(rendered(), soon())
    assert caught.value.about == "account"


@pytest.mark.parametrize("vendor", ["sendgrid", "mailgun"])
def test_a_vendor_that_says_itself_that_it_is_not_there_has_taken_nothing(
    benches: Benches, vendor: str
) -> None:
    """A proxy's page with the same status proves nothing; see the contract's cases."""
    bench = benches.bench(vendor)
    bench.fail(status=503, body="Service unavailable")
    with pytest.raises(NotAccepted):
        bench.provider().send(rendered(), soon())


@pytest.mark.parametrize("vendor", ["sendgrid", "mailgun"])
def test_a_proxys_503_proves_nothing(benches: Benches, vendor: str) -> None:
    """Some proxies answer so for requests that arrived."""
    bench = benches.bench(vendor)
    bench.fail(status=503, body="html")
    with pytest.raises(Ambiguous):
        bench.provider().send(rendered(), soon())


@pytest.mark.parametrize("vendor", ["sendgrid", "mailgun"])
def test_a_vendor_that_is_not_there_may_say_for_how_long(benches: Benches, vendor: str) -> None:
    """As with 429."""
    bench = benches.bench(vendor)
    bench.fail(status=503, body="Service unavailable", retry_after_seconds=30)
    with pytest.raises(NotAccepted) as caught:
        bench.provider().send(rendered(), soon())
    assert 27 <= (caught.value.after_seconds or 0) <= 30


NOON = "Tue, 24 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:01:30 GMT", "date": NOON}, 90.0),
        ({"retry-after": "Tue, 24 Nov 2026 11:59:00 GMT", "date": NOON}, 0.0),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:00 GMT", "date": NOON}, 3600.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:01:30 GMT"}, None),
        ({"retry-after": "soon", "date": NOON}, None),
    ],
)
def test_a_wait_is_seconds_or_a_moment_of_the_vendors_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    """RFC 9110 section 10.2.3."""
    assert retry_after_seconds(HttpAnswer(429, headers, b"")) == seconds


@pytest.mark.parametrize(
    ("status", "certain"), [(400, True), (422, True), (499, True), (408, False), (500, False)]
)
def test_a_refused_request_was_not_carried_out(status: int, *, certain: bool) -> None:
    """But for the proxy that gave up waiting."""
    assert refuses(status) is certain


def test_sendgrids_sandbox_is_told(sendgrid: Bench) -> None:
    """200 instead of 202: nothing would be delivered."""
    assert refused(sendgrid, status=200, body="").reason == "sandbox"


@pytest.mark.parametrize("vendor", ["sendgrid", "mailgun", "ses"])
def test_tags_and_our_own_ids_travel_along(benches: Benches, vendor: str) -> None:
    """For statistics, and for the vendor's webhooks."""
    bench = benches.bench(vendor)
    bench.provider().send(rendered(tags=["cita", "es"]), soon())
    extras = str(bench.mails()[0]["extras"])
    assert all(word in extras for word in ("'cita'", "'es'", "frontdesk_email_id", "em_1", "clinica-sol"))


@pytest.mark.parametrize(
    ("vendor", "megabytes"), [("sendgrid", 23), ("mailgun", 20), ("ses", 30), ("smtp", 20)]
)
def test_size_is_checked_after_encoding(benches: Benches, vendor: str, megabytes: int) -> None:
    """Base64 adds a third: what fits as a file may not fit as a message."""
    bench = benches.bench(vendor)
    file = File("a.bin", "application/octet-stream", bytes(megabytes * 1024 * 1024))
    with pytest.raises(Unsupported) as caught:
        bench.provider().send(replace(rendered(), files=(file,)), soon())
    assert (caught.value.reason, bench.mails()) == ("too_large", [])


def test_regions_have_their_own_hosts() -> None:
    """A wrong one looks like a wrong key."""
    assert SENDGRID == {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
    assert MAILGUN == {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}


def test_keys_are_not_shown() -> None:
    """Not in a representation either."""
    provider = SendGrid(HttpClient(LOOPBACK), SystemClock(), SENDGRID["eu"], Secret("SG.planted"))
    assert "planted" not in str(vars(provider))


def test_providers_words_are_short_and_hold_no_address() -> None:
    """They go into the log."""
    assert said("550 <ana@x.com>:\r\n unknown " + "x" * 500).startswith("550 <…>: unknown x")
    assert len(said("x" * 500)) == 200


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30.0), ("-5", 0.0), ("1e9", 3600.0), ("soon", None), (None, None), ("nan", None)],
)
def test_waits_are_bounded(text: str | None, seconds: float | None) -> None:
    """Whatever the header holds."""
    assert wait_seconds(text) == seconds


@pytest.mark.parametrize(
    ("code", "words", "status", "error", "about"),
    [
        ("MessageRejected", "Email address is not verified. ana@x.com", 400, Rejected, "account"),
        ("MessageRejected", "Illegal address", 400, Rejected, "message"),
        ("SendingPausedException", "", 400, Rejected, "account"),
        ("InvalidClientTokenId", "", 403, Rejected, "account"),
        ("LimitExceededException", "", 400, NotAccepted, None),
        ("InternalFailure", "", 500, Ambiguous, None),
        ("ServiceUnavailable", "", 503, Ambiguous, None),
        ("429", "", 429, NotAccepted, None),
        ("413", "", 413, Rejected, "message"),
        ("408", "", 408, Ambiguous, None),
    ],
)
def test_what_ses_says(code: str, words: str, status: int, error: type, about: str | None) -> None:
    """An unverified sender comes as a rejected message, and is the account's matter."""
    told: Any = {"Error": {"Code": code, "Message": words}, "ResponseMetadata": {"HTTPStatusCode": status}}
    judged = understood(ClientError(told, "SendEmail"))
    assert type(judged) is error
    assert getattr(judged, "about", None) == about
    assert "ana@" not in str(judged)


def test_a_recipients_name_reaches_sendgrid_without_what_it_cuts_names_at(benches: Benches) -> None:
    """It answers 202, takes the pieces for addresses, and drops the mail."""
    bench = benches.bench("sendgrid")
    people = [{"address": "ana@cliente.example", "name": "López; Ana, Dra."}]
    bench.provider().send(rendered(to=people), soon())
    [mail] = bench.mails()
    assert (mail["recipients"], dict(mail["headers"])["To"]) == (
        ["ana@cliente.example"],
        '"López Ana Dra." <ana@cliente.example>',
    )


def test_a_files_name_reaches_sendgrid_without_what_it_refuses(benches: Benches) -> None:
    """Neither commas nor semicolons."""
    bench = benches.bench("sendgrid")
    file = {"name": "Presupuesto, mayo; v2.pdf", "content_type": "application/pdf", "content": "aG9sYQ=="}
    bench.provider().send(rendered(attachments=[file]), soon())
    [mail] = bench.mails()
    assert [one["name"] for one in mail["files"]] == ["Presupuesto mayo v2.pdf"]


PEOPLE: dict[str, Any] = {
    "to": ["ana@cliente.example", "luis@cliente.example"],
    "cc": ["eva@cliente.example"],
    "bcc": ["jefe@clinica-sol.example", "abogado@bufete.example"],
}


@pytest.mark.parametrize("vendor", ["smtp", "sendgrid", "mailgun", "ses"])
@pytest.mark.parametrize(
    "only",
    [
        {"luis@cliente.example", "jefe@clinica-sol.example", "abogado@bufete.example"},
        {"eva@cliente.example", "jefe@clinica-sol.example"},
        {"jefe@clinica-sol.example", "abogado@bufete.example"},
    ],
)
def test_a_copy_for_some_reaches_them_and_shows_nobody_a_blind_one(
    benches: Benches, vendor: str, only: set[str]
) -> None:
    """Whoever of them a server did not take at first."""
    bench = benches.bench(vendor)
    bench.provider().send(replace(rendered(**PEOPLE), only=frozenset(only)), soon())
    mails = bench.mails()
    assert sorted(one for mail in mails for one in mail["recipients"]) == sorted(only)
    for mail in mails:
        shown = " ".join(str(value) for name, value in mail["headers"] if name in {"To", "Cc", "Bcc"})
        others = set(PEOPLE["bcc"]) - ({*mail["recipients"]} if len(mail["recipients"]) == 1 else set())
        assert not [one for one in others if one in shown]
    if vendor != "sendgrid":
        assert dict(mails[0]["headers"])["To"] == "ana@cliente.example, luis@cliente.example"
