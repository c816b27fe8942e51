"""SMTP submission (RFC 6409), always encrypted (RFC 8314).

Where it breaks off decides what is known: before the final dot of DATA the server has nothing; after it, and
before its reply, nobody can tell (RFC 5321 section 4.1.1.4).
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from shared.email.addresses import domain_of, wire
from shared.email.mime import mime_bytes
from shared.email.providers.contract import (
    MEGABYTE,
    RECIPIENTS,
    Accepted,
    Ambiguous,
    Capabilities,
    NotAccepted,
    Provider,
    Refusal,
    Rejected,
    Unsupported,
    said,
)
from shared.email.providers.smtp_wire import Wire
from shared.platform.addresses import AddressRefused
from shared.platform.errors import FrontdeskError, RetryLater
from shared.platform.secret import Secret
from shared.platform.sockets import Call

if TYPE_CHECKING:
    from shared.email.providers.smtp_wire import Reply
    from shared.email.rendered import Rendered
    from shared.platform.addresses import AddressGuard
    from shared.platform.clock import Deadline

TIMEOUT_SECONDS = 30.0
SUBMISSION_PORT, TLS_PORT = 587, 465
ALLOWED_PORTS = frozenset({TLS_PORT, SUBMISSION_PORT, 2525})
# The last by Microsoft's "POP, IMAP, and SMTP settings for Outlook.com" (support.microsoft.com).
PRESETS = {
    "gmail": "smtp.gmail.com",
    "outlook": "smtp.office365.com",
    "outlook_personal": "smtp-mail.outlook.com",
}
# SendGrid says so over SMTP as a failure that passes; it does not pass by itself.
_BILLING = "maximum credits exceeded"
_CLOSING = 421
_GO_AHEAD = 354
_CHALLENGE = 334
_NOT_LOGGED_IN = 535
# What refuses a token, and no more than it: 5.7.3 is Microsoft's, 5.7.8 the standard's (RFC 4954 section 6).
_TOKEN_CODES = frozenset({"5.7.3", "5.7.8"})
_TOKEN_STATUSES = frozenset({"400", "401"})
_SENDERS = frozenset({"1.7", "1.8"})
_OURS = re.compile(r"\b(relay|relaying|sender)\b", re.IGNORECASE)
_MAILBOX_CODES = frozenset({550, 551, 552, 553})
_ENHANCED = re.compile(r"[245]\.(\d{1,3})\.\d{1,3}\b")
_TOO_MANY = 552  # to RCPT it means the same as 452 (RFC 5321 section 4.5.3.1.10)


class TokenSource(Protocol):
    """Gives access tokens of a connected account."""

    def token(self) -> Secret:
        """A token that is valid now."""
        ...

    def rejected(self, token: Secret) -> None:
        """The server did not take it: the next `token` is another one."""
        ...


@dataclass(frozen=True)
class Server:
    """Where mails are taken.

    Args:
        implicit_tls: encrypted from the first byte; else with STARTTLS, without which nothing is said.
        tls: whom to trust; ``None``: the usual certificate authorities.
    """

    host: str
    port: int
    implicit_tls: bool
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True)
class Login:
    """Who logs in, with a password or with tokens."""

    username: str
    proof: Secret | TokenSource


class Smtp(Provider):
    """A company's mail server.

    Args:
        server: where.
        login: as whom.
        guard: which addresses may be connected to.

    Raises:
        Rejected: the port is none that mails are handed in at.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        max_bytes=25 * MEGABYTE, max_recipients=100, smtputf8=True
    )

    def __init__(self, server: Server, login: Login, guard: AddressGuard) -> None:
        if server.port not in ALLOWED_PORTS and not guard.loopback_allowed:
            raise Rejected(f"port {server.port} is not allowed", about="account", reason="port")
        self._server = server
        self._login = login
        self._guard = guard

    def _written(self, rendered: Rendered) -> bytes:
        return mime_bytes(rendered)

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        with Call(self._guard, deadline.within(TIMEOUT_SECONDS)) as call:
            visit = _Visit(self, call, rendered, content)
            try:
                return visit.run()
            except AddressRefused as error:
                raise Rejected(str(error), about="account", reason=error.reason) from error
            except ssl.SSLCertVerificationError as error:
                raise Rejected(
                    "the server's certificate is not right", about="account", reason="tls"
                ) from error
            except OSError as error:
                reason = "timeout" if call.expired else "connection"
                if visit.ended:
                    raise Ambiguous("the server's last word was lost", reason=reason) from error
                raise NotAccepted("the connection was lost before the end", reason=reason) from error
            finally:
                visit.close()

    def context(self, peer: str) -> ssl.SSLContext:
        """Whom to trust. A simulator on this machine has a certificate that it made itself."""
        if self._server.tls is not None:
            return self._server.tls
        context = ssl.create_default_context()
        if self._guard.loopback_allowed and ipaddress.ip_address(peer.split("%", 1)[0]).is_loopback:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    @property
    def server(self) -> Server:
        """Where."""
        return self._server

    @property
    def login(self) -> Login:
        """As whom."""
        return self._login


class _Visit:
    """One message's way through one connection."""

    def __init__(self, provider: Smtp, call: Call, rendered: Rendered, message: bytes) -> None:
        self._provider = provider
        self._call = call
        self._rendered = rendered
        self._message = message
        self._wire: Wire | None = None
        self._features: dict[str, str] = {}
        self.ended = False  # whether the message's end may have been written

    def run(self) -> Accepted:
        """Every step in its order."""
        server = self._provider.server
        wire_ = self._wire = Wire(self._call, server.host, server.port)
        if server.implicit_tls:
            wire_.secure(self._provider.context(wire_.peer))
        _require(wire_.reply(), "account")
        self._greet(wire_)
        if not server.implicit_tls:
            self._encrypt(wire_)
        self._log_in(wire_)
        self._announce(wire_)
        refused = self._name_recipients(wire_)
        return self._hand_over(wire_, refused)

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None:
            self._wire.close()

    def _greet(self, wire_: Wire) -> None:
        reply = wire_.command(f"EHLO {domain_of(self._rendered.sender.address)}")
        _require(reply, "account")
        said_lines = (line.partition(" ") for line in reply.lines[1:])
        self._features = {name.upper(): rest for name, _, rest in said_lines}

    def _encrypt(self, wire_: Wire) -> None:
        if "STARTTLS" not in self._features:
            raise Rejected("the server offers no STARTTLS", about="account", reason="no_starttls")
        _require(wire_.command("STARTTLS"), "account")
        wire_.secure(self._provider.context(wire_.peer))
        self._greet(wire_)  # what was said before is forgotten (RFC 3207 section 4.2)

    def _log_in(self, wire_: Wire) -> None:
        ways, login = self._features.get("AUTH", "").upper().split(), self._provider.login
        if isinstance(login.proof, Secret):
            _log_in_with_password(wire_, ways, login.username, login.proof)
        elif "XOAUTH2" not in ways:
            raise Rejected("the server takes no XOAUTH2", about="account", reason="no_auth")
        else:
            _log_in_with_token(wire_, login.username, login.proof)

    def _announce(self, wire_: Wire) -> None:
        size = self._features.get("SIZE", "")
        if size.isdecimal() and int(size) > 0:
            self._provider.require_size(len(self._message), int(size))
        options = f" SIZE={len(self._message)}" if "SIZE" in self._features else ""
        if self._rendered.needs_smtputf8:
            if "SMTPUTF8" not in self._features:
                raise Unsupported("the server takes no letters beyond ASCII before an @", reason="smtputf8")
            options += " SMTPUTF8"
        reply = wire_.command(f"MAIL FROM:<{wire(self._rendered.sender.address)}>{options}")
        if reply.code == _TOO_MANY:
            raise Unsupported("the message is too large for the server", reason="too_large")
        _require(reply, "account")

    def _name_recipients(self, wire_: Wire) -> tuple[Refusal, ...]:
        refused = []
        for one in self._rendered.recipients:
            reply = wire_.command(f"RCPT TO:<{wire(one.address)}>")
            if reply.code == _CLOSING:
                raise _refusal(reply, "recipients")
            if not reply.positive:
                permanent = reply.permanent and reply.code != _TOO_MANY
                ours = permanent and not _about_the_address(reply)
                refused.append(Refusal(one.address, permanent, str(reply.code), ours))
        if len(refused) < len(self._rendered.recipients):
            return tuple(refused)
        if not all(one.permanent for one in refused):
            raise NotAccepted("the server takes no recipient now", reason=RECIPIENTS)
        codes = ", ".join(sorted({one.code for one in refused}))
        # What the server will not do for us another one may; who does not exist does not exist anywhere.
        raise Rejected(
            f"the server refused every recipient ({codes})",
            about="message" if any(one.ours for one in refused) else "recipients",
            reason=RECIPIENTS,
        )

    def _hand_over(self, wire_: Wire, refused: tuple[Refusal, ...]) -> Accepted:
        reply = wire_.command("DATA")
        if reply.code != _GO_AHEAD:
            raise _refusal(reply, "message")
        wire_.write_body(self._message)
        self.ended = True
        reply = wire_.write_end()
        if not reply.positive:
            raise _refusal(reply, "message", ended=True)
        return Accepted(said(reply.lines[-1]), refused)


_About = Literal["account", "message", "recipients"]


def _about_the_address(reply: Reply) -> bool:
    """Whether a refused RCPT says something of the recipient, and not of who asks.

    By its enhanced code: addressing (X.1) and mailbox (X.2) are the recipient's, but for the sender's address
    (X.1.7, X.1.8); policy (X.7), quotas and routes (X.4) are ours (RFC 3463 section 3). Without one by
    RFC 5321 section 4.2.3: 550, 551 and 553 speak of mailboxes, unless their words say otherwise; 554 and 530
    do not.
    """
    words = " ".join(reply.lines)
    enhanced = _ENHANCED.match(words)
    if enhanced:
        return enhanced[1] in "12" and enhanced[0][2:] not in _SENDERS
    return reply.code in _MAILBOX_CODES and not _OURS.search(words)


def _require(reply: Reply, about: _About) -> None:
    if not reply.positive:
        raise _refusal(reply, about)


def _refusal(reply: Reply, about: _About, *, ended: bool = False) -> Rejected | NotAccepted | Ambiguous:
    if _BILLING in reply.text.lower():
        return Rejected("the account's credits are used up", about="account", reason="billing")
    if reply.permanent:
        words = f"the server refused: {said(reply.text)}"
        return Rejected(words, about=about, reason=f"smtp_{reply.code}")
    # Out of step, such as a go-ahead where a verdict belongs: after the message's end nothing can be
    # concluded from it, before it nothing can have been taken.
    if ended and reply.code // 100 != 4:  # noqa: PLR2004 - RFC 5321 section 4.2.1
        return Ambiguous(f"the server said {said(reply.text)}", reason=f"smtp_{reply.code}")
    return NotAccepted(f"the server takes nothing now: {said(reply.text)}", reason=f"smtp_{reply.code}")


def _log_in_with_password(wire_: Wire, ways: list[str], username: str, password: Secret) -> None:
    if "PLAIN" in ways:
        reply = wire_.command("AUTH PLAIN " + _coded(f"\0{username}\0{password.reveal()}"))
    elif "LOGIN" in ways:
        reply = wire_.command("AUTH LOGIN")
        for word in (username, password.reveal()):
            if reply.code == _CHALLENGE:
                reply = wire_.command(_coded(word))
    else:
        raise Rejected("the server takes no password", about="account", reason="no_auth")
    _require(reply, "account")


def _log_in_with_token(wire_: Wire, username: str, source: TokenSource) -> None:
    """XOAUTH2, as Google and Microsoft describe it; a token that is refused is renewed once.

    A new token changes nothing where the mailbox may not send by SMTP at all.
    """
    reply, of_token = _try_token(wire_, username, token := _token(source))
    if of_token:
        reply, _ = _try_token(wire_, username, _token(source, refused=token))
    _require(reply, "account")


def _token(source: TokenSource, refused: Secret | None = None) -> Secret:
    """A token, another than the refused one; where there is none now, the server has nothing yet."""
    try:
        if refused is not None:
            source.rejected(refused)
        return source.token()
    except RetryLater as error:
        raise NotAccepted(str(error), reason=error.reason, after_seconds=error.after_seconds) from error
    except FrontdeskError as error:
        raise Rejected(str(error), about="account", reason=error.reason) from error


def _try_token(wire_: Wire, username: str, token: Secret) -> tuple[Reply, bool]:
    """The verdict, and whether it is about the token.

    Google gives its reason as a challenge, a JSON object with a ``status`` as of HTTP ("XOAUTH2 mechanism",
    error response); an empty answer brings the verdict. Microsoft says it in the verdict's enhanced code.
    """
    words = f"user={username}\x01auth=Bearer {token.reveal()}\x01\x01"
    reply, status = wire_.command("AUTH XOAUTH2 " + _coded(words)), ""
    if reply.code == _CHALLENGE:
        status = _status_in("".join(reply.lines))
        reply = wire_.command("")
    if status:
        return reply, reply.permanent and status in _TOKEN_STATUSES
    enhanced = _ENHANCED.match(" ".join(reply.lines))
    return reply, reply.code == _NOT_LOGGED_IN and (enhanced is None or enhanced[0] in _TOKEN_CODES)


def _status_in(challenge: str) -> str:
    """The status in a challenge; empty where it holds none."""
    try:
        told = json.loads(base64.b64decode(challenge))
    except ValueError:
        return ""
    return str(told.get("status", "")) if isinstance(told, dict) else ""


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
