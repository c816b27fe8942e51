"""An SMTP server that takes mails only encrypted and only with a login, and fails at any stage on demand."""

from __future__ import annotations

import asyncio
import base64
import fnmatch
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from local.serving import HOST
from local.smtp_simulator.certificate import server_tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.mail_simulator.kept import Post

    # Whether a user may log in with an access token.
    Takes = Callable[[str, str], bool]

STAGES = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "answer")
LARGEST_BYTES = 25 * 1024 * 1024
UNPAID = "451 Authentication failed: Maximum credits exceeded"


@dataclass
class SmtpFault:
    """What goes wrong.

    Args:
        stage: when, one of `STAGES`; ``body`` in the middle of a message, ``answer`` after its end.
        times: how often; ``None`` until it is switched off.
        reply: what is said in place of doing it.
        drop: hang up. At ``answer`` the mail is kept first, as with a reply that is no refusal.
        delay_seconds: wait before.
        matching: only commands whose text holds this; ``*`` stands for anything.
    """

    stage: str
    times: int | None = 1
    reply: str | None = None
    drop: bool = False
    delay_seconds: float = 0
    matching: str = ""


class Switches:
    """Faults that are on, and features that are off."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.faults: list[SmtpFault] = []

    def meet(self, stage: str, text: str = "", *, refusals_only: bool = False) -> SmtpFault | None:
        """The fault that happens now, used up by one."""
        with self._lock:
            for fault in self.faults:
                wanted = not fault.matching or fnmatch.fnmatch(text, f"*{fault.matching}*")
                wanted &= not refusals_only or (fault.reply or "").startswith(("4", "5"))
                if fault.stage == stage and fault.times != 0 and wanted:
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None


class _Handler:
    """What the server does with logins and mails."""

    def __init__(self, post: Post, switches: Switches, takes: Takes) -> None:
        self._post = post
        self._switches = switches
        self._takes = takes

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ANN401, N802, ARG002 - aiosmtpd's
        """Keep the mail, unless it is to be refused: a server that says so has not taken it."""
        if refusal := self._switches.meet("answer", refusals_only=True):
            await asyncio.sleep(refusal.delay_seconds)
            return str(refusal.reply)
        mail = self._post.keep(
            "smtp",
            envelope.mail_from,
            list(envelope.rcpt_tos),
            bytes(envelope.content),
            {"login": str(session.auth_data)},
        )
        return f"250 2.0.0 queued as {mail.number}"

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:  # noqa: ANN401, N802 - aiosmtpd's
        """Google's and Microsoft's way: ``user=…^Aauth=Bearer …^A^A``."""
        user, bearer, *_ = base64.b64decode(args[1]).decode().split("\x01")
        if self._takes(user.removeprefix("user="), bearer.removeprefix("auth=Bearer ")):
            return AuthResult(success=True, auth_data=LoginPassword(user.encode(), b""))
        await server.challenge_auth('{"status":"400","schemes":"Bearer"}')
        return AuthResult(
            success=False, handled=False, message="535 5.7.8 Username and Password not accepted"
        )


def any_but_expired(_user: str, token: str) -> bool:
    """Take every token that does not begin with ``expired``."""
    return not token.startswith("expired")


def _authenticate(_server: Any, _session: Any, _envelope: Any, _way: str, given: Any) -> AuthResult:  # noqa: ANN401 - aiosmtpd's
    if given.password == b"unpaid":
        return AuthResult(success=False, handled=False, message=UNPAID)
    right = given.password != b"wrong"
    return AuthResult(success=right, handled=False, auth_data=given.login.decode() if right else None)


class _Session(SMTP):
    """aiosmtpd's server, with a fault possible before every step."""

    def __init__(self, switches: Switches, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - aiosmtpd's
        super().__init__(*args, **settings)
        self._switches = switches

    async def _fails(self, stage: str, text: str = "") -> bool:
        fault = self._switches.meet(stage, text)
        if fault is None:
            return False
        try:
            await asyncio.sleep(fault.delay_seconds)
        except asyncio.CancelledError:
            self._hang_up()  # the client left first
            raise
        if fault.reply is not None:
            await self.push(fault.reply)
        if fault.drop:
            self._hang_up()
        return fault.drop or fault.reply is not None

    async def _handle_client(self) -> None:
        if await self._fails("connect"):
            self._writer.close()
        else:
            await super()._handle_client()

    def _hang_up(self) -> None:
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's
        """The message."""
        if await self._fails("data"):
            return
        if fault := self._switches.meet("body"):
            await self.push("354 go ahead")
            await self._reader.read(64)
            await asyncio.sleep(fault.delay_seconds)
            self._hang_up()
            return
        await super().smtp_DATA(arg)

    async def push(self, status: Any) -> None:  # noqa: ANN401 - a text or bytes
        """The message's verdict is the one reply that is said after the mail was kept."""
        text = status.decode() if isinstance(status, bytes) else str(status)
        if text.startswith("250 2.0.0 queued") and await self._fails("answer"):
            return
        await super().push(status)


def _failing(stage: str) -> Any:  # noqa: ANN401 - a method
    async def step(self: _Session, arg: str) -> None:
        if not await self._fails(stage, arg or ""):
            await getattr(SMTP, f"smtp_{stage.upper()}")(self, arg)

    return step


for _stage in ("ehlo", "starttls", "auth", "mail", "rcpt"):
    setattr(_Session, f"smtp_{_stage.upper()}", _failing(_stage))


class SmtpServer(Controller):
    """The server; a context manager.

    Args:
        post: where mails go.
        port: on the loopback interface; must be free.
        switches: what goes wrong.
        implicit_tls: encrypted from the first byte, in place of STARTTLS.
        smtputf8: whether it offers that.
        takes: which users may log in with which access tokens.
    """

    def __init__(
        self,
        post: Post,
        port: int,
        switches: Switches,
        *,
        implicit_tls: bool = False,
        smtputf8: bool = True,
        takes: Takes = any_but_expired,
    ) -> None:
        self._switches = switches
        context, self.certificate = server_tls()
        # aiosmtpd does not know that a connection with implicit TLS is encrypted, and warns.
        own: dict[str, Any] = {"authenticator": _authenticate, "auth_required": not implicit_tls}
        own |= {"enable_SMTPUTF8": smtputf8, "data_size_limit": LARGEST_BYTES, "hostname": "simulator"}
        own |= {"auth_require_tls": not implicit_tls, "require_starttls": not implicit_tls}
        if not implicit_tls:
            own["tls_context"] = context
        handler = _Handler(post, switches, takes)
        super().__init__(handler, HOST, port, ssl_context=context if implicit_tls else None)
        self.SMTP_kwargs = own

    def factory(self) -> SMTP:
        """One connection's server."""
        return _Session(self._switches, self.handler, loop=self.loop, **self.SMTP_kwargs)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
