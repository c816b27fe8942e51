"""Which network addresses we may call when somebody else wrote the URL (server-side request forgery).

Source of the rule: OWASP's SSRF prevention cheat sheet; the list of special addresses is Python's, which
follows IANA's registries (RFC 6890). The check runs on the address that is really connected to, so a name
that answers differently a second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.platform.errors import InvalidInput

# NAT64's well-known prefix (RFC 6052): the IPv4 address in its last 32 bits is what is reached.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
# Public in the eyes of some of the Pythons that we support; IANA's registry says otherwise.
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "64:ff9b:1::/48",  # translation inside one network (RFC 8215)
            "::ffff:0:0:0/96",  # IPv4 translated (RFC 2765)
            "fec0::/10",  # what site-local addresses were (RFC 3879)
            "3fff::/20",  # documentation (RFC 9637)
            "5f00::/16",  # segment routing (RFC 9602)
        ),
    )
)


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address really leads to, where it leads to one."""
    if ip in _TRANSLATED or (ip in _COMPATIBLE and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


class AddressRefused(InvalidInput):
    """The URL leads somewhere that Frontdesk does not call for others."""

    default_reason = "address_refused"


@dataclass(frozen=True)
class AddressGuard:
    """Allows public https addresses and nothing else.

    Args:
        loopback_allowed: also allow ``http`` and loopback addresses: for the local stage and tests only.
    """

    loopback_allowed: bool = False

    def check_url(self, url: str) -> None:
        """Look at the text of a URL, before anything is resolved.

        Raises:
            AddressRefused: wrong scheme, credentials inside, no host, or a literal address not public.
        """
        try:
            parts = urlsplit(url)
            host, _port = parts.hostname, parts.port
        except ValueError:
            raise AddressRefused("the address is not a URL") from None
        if not host:
            raise AddressRefused("the address has no host")
        if parts.username is not None or parts.password is not None:
            raise AddressRefused("the address must not hold a user name or password")
        if parts.scheme != "https" and not (parts.scheme == "http" and self.loopback_allowed):
            raise AddressRefused("the address must begin with https://")
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            return  # a name: its addresses are checked when it is connected to
        self.check_address(str(literal))

    def check_address(self, address: str) -> None:
        """Look at a resolved IP address.

        Raises:
            AddressRefused: it is not public (and not loopback where that is allowed).
        """
        ip = ipaddress.ip_address(address.split("%", 1)[0])
        inner = _embedded(ip) if isinstance(ip, ipaddress.IPv6Address) else None
        if inner is not None:
            self.check_address(str(inner))
            if ip not in _TRANSLATED:
                return
        if ip.is_loopback and self.loopback_allowed:
            return
        if not ip.is_global or ip.is_multicast or any(ip in network for network in _SPECIAL):
            raise AddressRefused("the address is not a public one")
