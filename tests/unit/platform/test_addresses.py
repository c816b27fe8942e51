"""Only public https addresses are called for others."""

from __future__ import annotations

import pytest

from shared.platform.addresses import AddressGuard, AddressRefused

GUARD = AddressGuard()
LOCAL = AddressGuard(loopback_allowed=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://app.chatwoot.com",
        "ftp://app.chatwoot.com",
        "https://",
        "app.chatwoot.com",
        "https://user:password@app.chatwoot.com",
        "https://127.0.0.1",
        "https://10.1.2.3/x",
        "https://192.168.0.1",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]",
        "https://[fd00::1]",
        "https://[::ffff:127.0.0.1]",
        "https://0.0.0.0",
        "https://100.64.0.1",
        "https://224.0.0.1",
        "https://example.com:99999",
        "https://[half",
    ],
)
def test_what_is_not_a_public_https_address_is_refused(url: str) -> None:
    """Schemes, credentials, private, loopback, link-local, shared and multicast addresses."""
    with pytest.raises(AddressRefused):
        GUARD.check_url(url)


@pytest.mark.parametrize(
    "url", ["https://app.chatwoot.com", "https://chat.example.com:8443/x", "https://8.8.8.8"]
)
def test_public_https_addresses_are_allowed(url: str) -> None:
    """A name is looked at again when it is connected to."""
    GUARD.check_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3000", "http://[::1]:3000", "https://127.0.0.1", "http://name"]
)
def test_the_local_stage_may_call_loopback_by_http(url: str) -> None:
    """And nothing else that is private."""
    LOCAL.check_url(url)
    with pytest.raises(AddressRefused):
        LOCAL.check_url("http://10.0.0.1")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "::ffff:192.168.1.1", "169.254.170.2",
        "64:ff9b:1::7f00:1", "::ffff:0:127.0.0.1", "fec0::1", "3fff::1", "5f00::1",
    ],
)  # fmt: skip
def test_a_name_that_resolves_to_a_private_address_is_refused(address: str) -> None:
    """Also when it answered differently before (DNS rebinding)."""
    with pytest.raises(AddressRefused):
        GUARD.check_address(address)


def test_a_name_that_resolves_to_a_public_address_is_allowed() -> None:
    """The everyday case."""
    GUARD.check_address("93.184.215.14")
    GUARD.check_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c")
