"""SMTP at every stage: what is certain, what is not."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from local.mail_simulator.kept import Post
from local.smtp_simulator.server import SmtpFault, SmtpServer, Switches
from shared.companies.email import SmtpProvider
from shared.email.providers.contract import Ambiguous, NotAccepted, Rejected, Unsupported
from shared.email.providers.registry import server_of
from shared.email.providers.smtp import Login, Server, Smtp, _log_in_with_token
from shared.email.providers.smtp_wire import Reply
from shared.email.rendered import File
from shared.platform.addresses import AddressGuard
from shared.platform.clock import Deadline, SystemClock
from shared.platform.secret import Secret
from tests.support.email import rendered
from tests.support.mail import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.mail import Bench

TWO: dict[str, Any] = {"to": ["ana@cliente.example", "bea@cliente.example"]}


def soon(seconds: float = 20) -> Deadline:
    """A deadline of the real clock."""
    return Deadline(SystemClock(), seconds)


def server(bench: Bench, **settings: Any) -> Smtp:  # noqa: ANN401 - fields of the server
    """The provider in front of the simulator."""
    where = Server("localhost", bench.port, implicit_tls=False, **settings)
    return Smtp(where, Login("hola", Secret("right")), LOOPBACK)


@pytest.mark.parametrize(
    ("fault", "error", "about", "arrived"),
    [
        ({"stage": "connect", "drop": True}, NotAccepted, None, 0),
        ({"stage": "connect", "reply": "554 5.3.2 No service"}, Rejected, "account", 0),
        ({"stage": "connect", "reply": "HTTP/1.1 400 Bad Request"}, NotAccepted, None, 0),
        ({"stage": "ehlo", "reply": "421 4.3.2 Closing"}, NotAccepted, None, 0),
        ({"stage": "ehlo", "drop": True}, NotAccepted, None, 0),
        ({"stage": "starttls", "reply": "454 4.7.0 TLS not available"}, NotAccepted, None, 0),
        ({"stage": "starttls", "drop": True}, NotAccepted, None, 0),
        ({"stage": "auth", "reply": "535 5.7.8 No"}, Rejected, "account", 0),
        ({"stage": "auth", "reply": "454 4.7.0 Later"}, NotAccepted, None, 0),
        (
            {"stage": "auth", "reply": "451 Authentication failed: Maximum credits exceeded"},
            Rejected,
            "account",
            0,
        ),
        ({"stage": "auth", "drop": True}, NotAccepted, None, 0),
        ({"stage": "auth", "reply": "334 again"}, NotAccepted, None, 0),
        ({"stage": "mail", "reply": "550 5.7.1 Sender not verified"}, Rejected, "account", 0),
        ({"stage": "mail", "reply": "452 4.3.1 Full"}, NotAccepted, None, 0),
        ({"stage": "mail", "reply": "552 5.3.4 Too large"}, Unsupported, None, 0),
        ({"stage": "mail", "drop": True}, NotAccepted, None, 0),
        ({"stage": "rcpt", "reply": "550 5.1.1 Unknown"}, Rejected, "recipients", 0),
        ({"stage": "rcpt", "reply": "550 5.2.1 Mailbox disabled"}, Rejected, "recipients", 0),
        ({"stage": "rcpt", "reply": "550 No such user"}, Rejected, "recipients", 0),
        ({"stage": "rcpt", "reply": "554 5.7.1 Relay access denied"}, Rejected, "message", 0),
        ({"stage": "rcpt", "reply": "550 5.4.5 Daily user sending quota exceeded"}, Rejected, "message", 0),
        ({"stage": "rcpt", "reply": "554 Transaction failed"}, Rejected, "message", 0),
        ({"stage": "rcpt", "reply": "550 5.1.8 Sender address rejected"}, Rejected, "message", 0),
        ({"stage": "rcpt", "reply": "550 relay not permitted"}, Rejected, "message", 0),
        ({"stage": "rcpt", "reply": "450 4.2.1 Greylisted"}, NotAccepted, None, 0),
        ({"stage": "rcpt", "reply": "552 5.5.3 Too many"}, NotAccepted, None, 0),
        ({"stage": "rcpt", "reply": "421 4.7.0 Closing"}, NotAccepted, None, 0),
        ({"stage": "rcpt", "drop": True}, NotAccepted, None, 0),
        ({"stage": "data", "reply": "554 5.5.1 No"}, Rejected, "message", 0),
        ({"stage": "data", "reply": "451 4.3.0 Later"}, NotAccepted, None, 0),
        ({"stage": "data", "reply": "250 2.0.0 Ok"}, NotAccepted, None, 0),
        ({"stage": "data", "drop": True}, NotAccepted, None, 0),
        ({"stage": "answer", "reply": "451 4.3.0 Later"}, NotAccepted, None, None),
        ({"stage": "answer", "reply": "550 5.7.1 Spam"}, Rejected, "message", None),
        ({"stage": "answer", "reply": "nonsense"}, Ambiguous, None, 1),
        ({"stage": "answer", "drop": True}, Ambiguous, None, 1),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_each_stage_tells_what_is_certain(
    smtp: Bench, fault: dict[str, Any], error: type[Exception], about: str | None, arrived: int | None
) -> None:
    """Before the final dot the server has nothing; after it, only its own word counts."""
    smtp.fail(times=None, **fault)
    with pytest.raises(error) as caught:
        smtp.provider().send(rendered(), soon())
    assert type(caught.value) is error
    assert getattr(caught.value, "about", None) == about
    if arrived is not None:
        assert len(smtp.mails()) == arrived


def test_a_connection_lost_within_the_message_is_a_certain_failure(smtp: Bench) -> None:
    """The dot was never written: with a message larger than what sockets hold on the way."""
    smtp.fail(stage="body")
    file = File("a.bin", "application/octet-stream", bytes(3 * 1024 * 1024))
    with pytest.raises(NotAccepted):
        smtp.provider().send(replace(rendered(), files=(file,)), soon())
    assert smtp.mails() == []


def test_recipients_that_are_refused_are_named_while_the_others_get_it(smtp: Bench) -> None:
    """For good, or for now."""
    smtp.switches.faults = [SmtpFault("rcpt", None, "550 5.1.1 Unknown", matching="bea@")]
    accepted = smtp.provider().send(rendered(**TWO), soon())
    assert [(one.address, one.permanent, one.code) for one in accepted.refused] == [
        ("bea@cliente.example", True, "550")
    ]
    assert [mail["recipients"] for mail in smtp.mails()] == [["ana@cliente.example"]]
    smtp.switches.faults = [SmtpFault("rcpt", None, "452 4.5.3 Too many", matching="bea@")]
    assert [one.permanent for one in smtp.provider().send(rendered(**TWO), soon()).refused] == [False]


@pytest.mark.parametrize(
    ("reply", "ours"),
    [
        ("550 5.1.1 Unknown", False),
        ("550 5.7.1 Relaying denied", True),
        ("554 No", True),
        ("552 Full", False),
        ("450 4.2.1 Later", False),
    ],
)
def test_whom_a_server_refuses_because_of_us_is_told(smtp: Bench, reply: str, *, ours: bool) -> None:
    """The others get it from this one."""
    smtp.switches.faults = [SmtpFault("rcpt", None, reply, matching="bea@")]
    accepted = smtp.provider().send(rendered(**TWO), soon())
    assert [(one.address, one.ours) for one in accepted.refused] == [("bea@cliente.example", ours)]


def test_one_recipient_that_may_work_later_makes_the_whole_failure_a_passing_one(smtp: Bench) -> None:
    """Nobody got it, so nothing is lost by another try."""
    smtp.switches.faults = [
        SmtpFault("rcpt", None, "550 5.1.1 Unknown", matching="bea@"),
        SmtpFault("rcpt", None, "450 4.2.1 Later", matching="ana@"),
    ]
    with pytest.raises(NotAccepted):
        smtp.provider().send(rendered(**TWO), soon())


@pytest.mark.parametrize(
    ("password", "reason"), [("wrong", "smtp_535"), ("unpaid", "billing"), ("contraseña", None)]
)
def test_passwords(smtp: Bench, password: str, reason: str | None) -> None:
    """Any letters; one that is wrong and an account that is not paid are told apart."""
    where = Server("localhost", smtp.port, implicit_tls=False)
    provider = Smtp(where, Login("hola", Secret(password)), LOOPBACK)
    if reason is None:
        provider.send(rendered(), soon())
        return
    with pytest.raises(Rejected) as caught:
        provider.send(rendered(), soon())
    assert (caught.value.about, caught.value.reason) == ("account", reason)


class Tokens:
    """Gives these tokens, one after the other, each until it is rejected."""

    def __init__(self, *tokens: str) -> None:
        self.left = [Secret(token) for token in tokens]
        self.refused: list[str] = []

    def token(self) -> Secret:
        """The first that is left."""
        return self.left[0]

    def rejected(self, token: Secret) -> None:
        """It goes."""
        self.refused.append(token.reveal())
        self.left.pop(0)


def test_a_token_that_is_refused_is_renewed_once(smtp: Bench) -> None:
    """It expired between two looks at the clock."""
    tokens = Tokens("expired", "fresh")
    Smtp(Server("localhost", smtp.port, implicit_tls=False), Login("hola", tokens), LOOPBACK).send(
        rendered(), soon()
    )
    assert (tokens.refused, len(smtp.mails())) == (["expired"], 1)


def test_a_token_that_is_refused_again_is_the_accounts_fault(smtp: Bench) -> None:
    """Somebody must connect anew."""
    tokens = Tokens("expired", "expired-too")
    provider = Smtp(Server("localhost", smtp.port, implicit_tls=False), Login("hola", tokens), LOOPBACK)
    with pytest.raises(Rejected) as caught:
        provider.send(rendered(), soon())
    assert caught.value.about == "account"


DENIED = base64.b64encode(b'{"status":"403","schemes":"Bearer"}').decode()
OVER = base64.b64encode(b'{"status":"401","schemes":"Bearer"}').decode()


@pytest.mark.parametrize(
    "replies",
    [
        ["535 5.7.3 Authentication unsuccessful"],
        ["535 5.7.8 Username and Password not accepted"],
        ["535 Authentication failed"],
        [f"334 {OVER}", "535 5.7.139 whatever"],
        ["334 e30=", "535 5.7.3 Authentication unsuccessful"],
        ["334 %%%", "535 5.7.3 Authentication unsuccessful"],
    ],
)
def test_a_refusal_that_is_about_the_token_renews_it(replies: list[str]) -> None:
    """In Google's way or in Microsoft's."""
    wire, tokens = ScriptedWire([*replies, "235 2.7.0 Accepted"]), Tokens("first", "second")
    _log_in_with_token(wire, "hola", tokens)  # type: ignore[arg-type]
    assert (tokens.refused, wire.left) == (["first"], [])


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        (["535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled"], Rejected),
        (["535 5.7.30 Basic authentication is not supported"], Rejected),
        ([f"334 {DENIED}", "535 5.7.3 Authentication unsuccessful"], Rejected),
        (["530 5.7.57 Client not authenticated to send mail"], Rejected),
        (["554 5.7.3 No"], Rejected),
        (["454 4.7.0 Later"], NotAccepted),
    ],
)
def test_a_refusal_that_is_about_something_else_renews_no_token(
    replies: list[str], error: type[Exception]
) -> None:
    """A mailbox that may not send by SMTP refuses every token; the next would be wasted as well."""
    wire, tokens = ScriptedWire(replies), Tokens("first", "second")
    with pytest.raises(error):
        _log_in_with_token(wire, "hola", tokens)  # type: ignore[arg-type]
    assert (tokens.refused, wire.left) == ([], [])


class ScriptedWire:
    """Says these replies, one after the other."""

    def __init__(self, replies: list[str]) -> None:
        self.left = list(replies)

    def command(self, _line: str) -> Reply:
        """The next one."""
        code, _, words = self.left.pop(0).partition(" ")
        return Reply(int(code), (words,))


def test_a_certificate_that_nobody_vouches_for_is_refused(smtp: Bench) -> None:
    """The password stays here."""
    with pytest.raises(Rejected) as caught:
        server(smtp, tls=ssl.create_default_context()).send(rendered(), soon())
    assert (caught.value.about, caught.value.reason) == ("account", "tls")


def test_the_certificate_is_checked_against_the_name(smtp: Bench) -> None:
    """With the authority known, the right name passes."""
    trusting = ssl.create_default_context(cadata=smtp.smtp.certificate.decode())
    server(smtp, tls=trusting).send(rendered(), soon())
    assert len(smtp.mails()) == 1


def test_implicit_tls_works_as_well() -> None:
    """Port 465."""
    post, port = Post(), free_port()
    with SmtpServer(post, port, Switches(), implicit_tls=True) as running:
        trusting = ssl.create_default_context(cadata=running.certificate.decode())
        where = Server("localhost", port, implicit_tls=True, tls=trusting)
        Smtp(where, Login("hola", Secret("right")), LOOPBACK).send(rendered(), soon())
    assert len(post.all()) == 1


def test_smtputf8_is_offered_or_refused() -> None:
    """By the server; nothing is sent that it would mangle."""
    post, port = Post(), free_port()
    with SmtpServer(post, port, Switches(), smtputf8=False):
        provider = Smtp(
            Server("localhost", port, implicit_tls=False), Login("hola", Secret("right")), LOOPBACK
        )
        with pytest.raises(Unsupported) as caught:
            provider.send(rendered(to=["josé@cliente.example"]), soon())
    assert (caught.value.reason, post.all()) == ("smtputf8", [])


def speaking(script: Callable[[socket.socket], None]) -> int:
    """A server of one connection that does what the script says; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            try:
                script(connection)
            except OSError:
                return  # the client hung up, as it should

    threading.Thread(target=serve, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def test_without_starttls_no_password_is_sent() -> None:
    """Neither anything else."""
    heard: list[bytes] = []

    def plain(connection: socket.socket) -> None:
        connection.sendall(b"220 hi\r\n")
        heard.append(connection.recv(1000))
        connection.sendall(b"250-hi\r\n250 AUTH PLAIN\r\n")
        heard.append(connection.recv(1000))

    where = Server("127.0.0.1", speaking(plain), implicit_tls=False)
    with pytest.raises(Rejected) as caught:
        Smtp(where, Login("hola", Secret("right")), LOOPBACK).send(rendered(), soon())
    assert caught.value.reason == "no_starttls"
    assert not any(b"AUTH" in one for one in heard)


@pytest.mark.parametrize("line", [b"220-hi\r\n", b"2", b"220 " + b"x" * 5000])
def test_a_server_that_never_comes_to_its_end_is_left_in_time(line: bytes) -> None:
    """Neither endless lines nor endless replies keep the worker, or fill its memory."""

    def endless(connection: socket.socket) -> None:
        while True:
            connection.sendall(line)
            time.sleep(0.005)

    started = time.monotonic()
    where = Server("127.0.0.1", speaking(endless), implicit_tls=False)
    with pytest.raises(NotAccepted):
        Smtp(where, Login("hola", Secret("right")), LOOPBACK).send(rendered(), soon(1.5))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "100.64.0.1"]
)
def test_a_server_inside_is_never_connected_to(smtp: Bench, host: str) -> None:
    """What the name leads to counts, not the name."""
    smtp.fail(stage="connect", times=1, drop=True)
    with pytest.raises(Rejected) as caught:
        Smtp(Server(host, 587, implicit_tls=False), Login("hola", Secret("right")), AddressGuard()).send(
            rendered(), soon()
        )
    assert (caught.value.about, caught.value.reason) == ("account", "address_refused")


@pytest.mark.parametrize("port", [25, 22, 80, 443, 6379, 3306])
def test_other_services_cannot_be_spoken_to(port: int) -> None:
    """Mails are handed in at three ports."""
    with pytest.raises(Rejected, match="not allowed"):
        Smtp(Server("mail.example.com", port, implicit_tls=False), Login("a", Secret("b")), AddressGuard())


def settings(**fields: Any) -> Server:  # noqa: ANN401 - fields of the document
    """The server of a document's provider."""
    return server_of(SmtpProvider.parse({"id": "main", "vendor": "smtp", "username": "a@b.es", **fields}))


def test_the_document_says_where() -> None:
    """Presets and customs."""
    assert settings(preset="gmail") == Server("smtp.gmail.com", 587, implicit_tls=False)
    assert settings(preset="outlook") == Server("smtp.office365.com", 587, implicit_tls=False)
    assert settings(preset="outlook_personal") == Server("smtp-mail.outlook.com", 587, implicit_tls=False)
    assert settings(host="mail.b.es", port=465) == Server("mail.b.es", 465, implicit_tls=True)
    assert settings(host="mail.b.es", security="tls") == Server("mail.b.es", 465, implicit_tls=True)
    assert settings(host="mail.b.es", port=2525) == Server("mail.b.es", 2525, implicit_tls=False)
