"""SMTP's lines (RFC 5321): commands, replies, and the message's end, each bounded.

Our own in place of `smtplib`, for three reasons: the socket goes to the address that was checked, a reply has
a largest size, and the message and its final dot are written apart, so that one knows what was not accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.platform.sockets import connect

if TYPE_CHECKING:
    import socket
    import ssl

    from shared.platform.sockets import Call

_LONGEST_LINE = 4096  # RFC 5321 section 4.5.3.1.5 says 512; some greet with more
_MOST_LINES = 100
_END = b".\r\n"


class ConnectionLost(OSError):
    """The other side hung up, or speaks something else than SMTP."""


@dataclass(frozen=True)
class Reply:
    """A whole reply.

    Args:
        code: three digits.
        lines: the texts beside it.
    """

    code: int
    lines: tuple[str, ...]

    @property
    def positive(self) -> bool:
        """2yz: done."""
        return self.code // 100 == 2  # noqa: PLR2004 - RFC 5321 section 4.2.1

    @property
    def permanent(self) -> bool:
        """5yz: the same command will fail again."""
        return self.code // 100 == 5  # noqa: PLR2004 - RFC 5321 section 4.2.1

    @property
    def text(self) -> str:
        """The code and what is said."""
        return f"{self.code} {' '.join(self.lines)}"


class Wire:
    """One connection.

    Args:
        call: bounds it in time, and checks where it leads.
        host: the server's name.
        port: its port.

    Raises:
        AddressRefused: it does not lead to a public address.
        OSError: nothing could be connected to.
    """

    def __init__(self, call: Call, host: str, port: int) -> None:
        self._call = call
        self._host = host
        self._sock: socket.socket = connect(call, host, port)
        self._sock.settimeout(max(call.remaining_seconds(), 0.001))
        self._reader = self._sock.makefile("rb")

    @property
    def peer(self) -> str:
        """The address that is connected to."""
        return str(self._sock.getpeername()[0])

    def secure(self, context: ssl.SSLContext) -> None:
        """Encrypt from here on. What came unencrypted and was not read yet is thrown away (CVE-2011-0411).

        Raises:
            OSError: no encryption was agreed on, or the certificate is not right.
        """
        self._reader.close()
        self._sock = context.wrap_socket(self._sock, server_hostname=self._host)
        self._reader = self._sock.makefile("rb")

    def command(self, line: str) -> Reply:
        """Say a line, and hear the reply.

        Raises:
            OSError: the connection is lost.
        """
        if "\r" in line or "\n" in line:
            raise ValueError("a command is one line")
        self._sock.sendall(f"{line}\r\n".encode())
        return self.reply()

    def reply(self) -> Reply:
        """Hear a reply.

        Raises:
            OSError: the connection is lost, or it is no reply.
        """
        texts: list[str] = []
        while len(texts) < _MOST_LINES:
            line = self._reader.readline(_LONGEST_LINE)
            found = re.fullmatch(rb"([2-5][0-9]{2})(?:([ -])(.*?))?\r?\n", line)
            if found is None:
                raise ConnectionLost("the server hung up" if not line else "the server does not speak SMTP")
            texts.append((found[3] or b"").decode("utf-8", "replace").strip())
            if found[2] != b"-":
                return Reply(int(found[1]), tuple(texts))
        raise ConnectionLost("the server's reply has no end")

    def write_body(self, message: bytes) -> None:
        """Write the message, all but its end.

        Raises:
            OSError: the connection is lost; the server cannot have accepted it.
        """
        whole = message if message.endswith(b"\r\n") else message + b"\r\n"
        self._sock.sendall(re.sub(rb"(?m)^\.", b"..", whole))

    def write_end(self) -> Reply:
        """Write the end, and hear whether the message was accepted.

        Raises:
            OSError: the connection is lost; the server may have accepted it.
        """
        self._sock.sendall(_END)
        return self.reply()

    def close(self) -> None:
        """Say good-bye where one can, and hang up."""
        try:
            self._sock.sendall(b"QUIT\r\n")
        except OSError:
            return  # whatever mattered is over
        finally:
            self._reader.close()
            self._sock.close()
