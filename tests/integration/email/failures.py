"""What can go wrong with each vendor, stage by stage, and what is certain then."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from shared.email.message import NewEmail
from tests.integration.email import bends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.email.providers.contract import Provider
    from tests.support.mail import Bench

MESSAGE: dict[str, Any] = {"to": ["ana@cliente.example"], "subject": "Tu cita", "text": "Hola, Ana"}
_STORED = {"key": "company/clinica-sol/a", "version_id": "1", "sha256": "0" * 64, "size_bytes": 1}
_LARGE = {"attachments": [{"name": "a.bin", "content_type": "application/x", "stored": _STORED}]}
_TWO = {"to": ["ana@cliente.example", "bea@cliente.example"]}


class Verdict(Enum):
    """What is certain; the value is the contract's name for the provider's answer."""

    ACCEPTED = "Accepted"
    PASSING = "NotAccepted"
    ACCOUNT = "Rejected (account)"
    MESSAGE = "Rejected (message)"
    NO_RECIPIENT = "Rejected (recipients)"
    UNSUPPORTED = "Unsupported"
    LOST = "Ambiguous"
    DIED = "none"
    REPORTED = "Ambiguous, then a report"

    @property
    def nobody_knows(self) -> bool:
        """Whether the provider may have the e-mail, and nothing tells."""
        return self in {Verdict.LOST, Verdict.DIED}


@dataclass(frozen=True)
class Failure:
    """Something that goes wrong.

    Args:
        what: in the page's words.
        verdict: what is certain then.
        fault: switched on at the simulator, see `tests.support.mail.Bench.fail`.
        bend: opens the provider in place of the real way.
        taken: the provider has the e-mail, although nobody knows.
        fields: of the message, where it matters.
    """

    what: str
    verdict: Verdict
    fault: dict[str, Any] = field(default_factory=dict)
    bend: Callable[[Bench], Provider] | None = None
    taken: bool = False
    fields: dict[str, Any] = field(default_factory=dict)

    def message(self) -> NewEmail:
        """What is sent."""
        return NewEmail.parse({**MESSAGE, **self.fields})


def failures(vendor: str) -> list[Failure]:
    """Everything that can go wrong with a vendor, in the order in which it would happen."""
    own = {"smtp": _smtp, "sendgrid": _sendgrid, "mailgun": _mailgun, "ses": _ses}[vendor]
    reports = [] if vendor == "smtp" else [_REPORTED]
    return [Failure("nothing", Verdict.ACCEPTED), *own(), *reports, *_DEATHS]


_REPORTED = Failure(
    "answer lost, then the provider reports on the mail",
    Verdict.REPORTED,
    {"drop_after": True},
    taken=True,
)
_DEATHS = (
    Failure("worker dies before it asks", Verdict.DIED, bend=bends.dies_before),
    Failure(
        "worker dies between the answer and its own write", Verdict.DIED, bend=bends.dies_after, taken=True
    ),
)


def _smtp() -> Iterator[Failure]:
    yield from _smtp_connecting()
    yield from _smtp_naming()
    yield from _smtp_message()


def _at(stage: str, reply: str | None = None, **fields: object) -> dict[str, Any]:
    return {"stage": stage, "reply": reply, "drop": reply is None, **fields}


def _smtp_connecting() -> Iterator[Failure]:
    passing, account = Verdict.PASSING, Verdict.ACCOUNT
    late = _at("connect", delay_seconds=1)
    yield Failure("nobody listens", passing, bend=bends.nobody_listens)
    yield Failure("hangs up without a greeting", passing, _at("connect"))
    yield Failure("no greeting in time", passing, late, bends.hurried)
    yield Failure("greeting 421", passing, _at("connect", "421 4.3.2 Busy"))
    yield Failure("greeting 554", account, _at("connect", "554 5.3.2 No service"))
    yield Failure("greeting of another protocol", passing, _at("connect", "HTTP/1.1 400 Bad Request"))
    yield Failure("EHLO 421", passing, _at("ehlo", "421 4.3.2 Closing"))
    yield Failure("EHLO 550", account, _at("ehlo", "550 5.7.1 Not you"))
    yield Failure("hangs up at EHLO", passing, _at("ehlo"))
    yield Failure("no STARTTLS offered", account, _at("ehlo", "250-hi\r\n250 AUTH PLAIN"))
    yield Failure("STARTTLS 454", passing, _at("starttls", "454 4.7.0 TLS not available"))
    yield Failure("STARTTLS 554", account, _at("starttls", "554 5.7.3 No"))
    yield Failure("TLS handshake breaks off", passing, _at("starttls", "220 Ready"))
    yield Failure("certificate not right", account, bend=bends.distrusted)
    yield Failure("AUTH 535", account, _at("auth", "535 5.7.8 Authentication failed"))
    yield Failure("AUTH 454", passing, _at("auth", "454 4.7.0 Temporary failure"))
    yield Failure("AUTH 451, credits used up", account, _at("auth", "451 Maximum credits exceeded"))
    yield Failure("AUTH 334 again", passing, _at("auth", "334 "))
    yield Failure("hangs up at AUTH", passing, _at("auth"))


def _smtp_naming() -> Iterator[Failure]:
    passing = Verdict.PASSING
    one = {**_at("rcpt", "550 5.1.1 Unknown"), "matching": "bea@"}
    one_now = {**_at("rcpt", "450 4.2.1 Greylisted"), "matching": "bea@"}
    yield Failure("MAIL 451", passing, _at("mail", "451 4.7.1 Try again later"))
    yield Failure("MAIL 550", Verdict.ACCOUNT, _at("mail", "550 5.7.1 Sender not verified"))
    yield Failure("MAIL 552, too large", Verdict.UNSUPPORTED, _at("mail", "552 5.3.4 Too large"))
    yield Failure("hangs up at MAIL", passing, _at("mail"))
    yield Failure("RCPT 450 to everybody", passing, _at("rcpt", "450 4.2.1 Greylisted"))
    yield Failure("RCPT 550 to everybody", Verdict.NO_RECIPIENT, _at("rcpt", "550 5.1.1 Unknown"))
    yield Failure(
        "RCPT 554 to everybody: policy, quota", Verdict.MESSAGE, _at("rcpt", "554 5.7.1 Relay denied")
    )
    yield Failure("RCPT 550 to one of two", Verdict.ACCEPTED, one, fields=_TWO)
    yield Failure("RCPT 450 to one of two", Verdict.ACCEPTED, one_now, fields=_TWO)
    yield Failure("RCPT 421", passing, _at("rcpt", "421 4.7.0 Closing"))
    yield Failure("hangs up at RCPT", passing, _at("rcpt"))


def _smtp_message() -> Iterator[Failure]:
    passing, message, lost = Verdict.PASSING, Verdict.MESSAGE, Verdict.LOST
    before, after = {"stage": "data", "delay_seconds": 1}, {"stage": "answer", "delay_seconds": 2}
    yield Failure("DATA 451", passing, _at("data", "451 4.3.0 Later"))
    yield Failure("DATA 554", message, _at("data", "554 5.5.1 No"))
    yield Failure("DATA 250 in place of 354", passing, _at("data", "250 2.0.0 Ok"))
    yield Failure("hangs up at DATA", passing, _at("data"))
    yield Failure("too slow before the dot", passing, before, bends.hurried)
    yield Failure("hangs up within the message", passing, {"stage": "body"}, fields=_LARGE)
    yield Failure("451 after the dot", passing, _at("answer", "451 4.3.0 Later"))
    yield Failure("554 after the dot", message, _at("answer", "554 5.7.1 Message rejected"))
    yield Failure("354 after the dot", lost, _at("answer", "354 go ahead"), taken=True)
    yield Failure("nonsense after the dot", lost, _at("answer", "nonsense"), taken=True)
    yield Failure("hangs up after the dot", lost, _at("answer"), taken=True)
    yield Failure("too slow after the dot", lost, after, bends.patient, taken=True)


def _http_connecting() -> Iterator[Failure]:
    yield Failure("nobody listens", Verdict.PASSING, bend=bends.nobody_listens)
    yield Failure("TLS handshake breaks off", Verdict.PASSING, bend=bends.hung_up)
    yield Failure("certificate not right", Verdict.PASSING, bend=bends.distrusted)
    yield Failure("connection cut within the request", Verdict.LOST, {"drop_before": True})


def _http_losing() -> Iterator[Failure]:
    lost, late = Verdict.LOST, {"answer_delay_seconds": 2}
    yield Failure("408", lost, {"status": 408, "body": "html"})
    yield Failure("502, a page", lost, {"status": 502, "body": "html"})
    yield Failure("503, a proxy's page", lost, {"status": 503, "body": "html"})
    yield Failure("504, a page", lost, {"status": 504, "body": "html"})
    yield Failure("200, a page", lost, {"status": 200, "body": "html"})
    yield Failure("answer lost", lost, {"drop_after": True}, taken=True)
    yield Failure("answer cut in the middle", lost, {"cut_answer": True}, taken=True)
    yield Failure("too slow", lost, late, bends.hurried, taken=True)


def _http_answers() -> Iterator[Failure]:
    """What SendGrid and Mailgun share."""
    passing, lost = Verdict.PASSING, Verdict.LOST
    yield from _http_connecting()
    for status in (400, 401, 402, 403, 404, 413, 422):
        refused = Verdict.ACCOUNT if 401 <= status <= 404 else Verdict.MESSAGE
        yield Failure(f"{status}", refused, {"status": status, "body": "as it was switched on"})
    yield Failure("429, Retry-After: 30", passing, {"status": 429, "retry_after_seconds": 30})
    yield Failure("429", passing, {"status": 429})
    yield Failure("500", lost, {"status": 500})
    yield Failure("503, its own words", passing, {"status": 503})
    yield from _http_losing()


def _sendgrid() -> Iterator[Failure]:
    credits_ = {"status": 401, "body": "Maximum credits exceeded"}
    yield from _http_answers()
    yield Failure("401, credits used up", Verdict.ACCOUNT, credits_)
    yield Failure("200, a sandbox", Verdict.ACCOUNT, {"status": 200})
    yield Failure("202, a page", Verdict.LOST, {"status": 202, "body": "html"})


def _mailgun() -> Iterator[Failure]:
    yield from _http_answers()
    yield Failure("200 without an id", Verdict.LOST, {"status": 200})


_SES_SAYS = (
    (400, "MessageRejected", Verdict.MESSAGE),
    (400, "BadRequestException", Verdict.MESSAGE),
    (400, "AccountSuspendedException", Verdict.ACCOUNT),
    (400, "SendingPausedException", Verdict.ACCOUNT),
    (400, "MailFromDomainNotVerifiedException", Verdict.ACCOUNT),
    (403, "InvalidClientTokenId", Verdict.ACCOUNT),
    (403, "SignatureDoesNotMatch", Verdict.ACCOUNT),
    (403, "AccessDeniedException", Verdict.ACCOUNT),
    (404, "NotFoundException", Verdict.ACCOUNT),
    (429, "TooManyRequestsException", Verdict.PASSING),
    (400, "LimitExceededException", Verdict.PASSING),
    (400, "ThrottlingException", Verdict.PASSING),
    (500, "InternalFailure", Verdict.LOST),
    (503, "ServiceUnavailable", Verdict.LOST),
)


def _ses() -> Iterator[Failure]:
    passing, lost = Verdict.PASSING, Verdict.LOST
    busy = {"status": 429, "body": "html", "retry_after_seconds": 30}
    yield Failure("nobody listens", passing, bend=bends.nobody_listens)
    yield Failure("TLS handshake breaks off", lost, bend=bends.hung_up)
    yield Failure("certificate not right", passing, bend=bends.distrusted)
    yield Failure("connection cut within the request", lost, {"drop_before": True})
    for status, name, verdict in _SES_SAYS:
        yield Failure(f"{status} {name}", verdict, {"status": status, "body": name})
    yield Failure("413, a page", Verdict.MESSAGE, {"status": 413, "body": "html"})
    yield Failure("429, a page, Retry-After: 30", passing, busy)
    yield from _http_losing()
