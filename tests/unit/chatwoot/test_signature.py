"""Deliveries are authentic only when the signature fits every byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chatwoot.signature import TOLERANCE_SECONDS, sign, verify, verify_legacy
from shared.platform.errors import Untrusted
from shared.platform.secret import Secret

NOW = 1_795_424_400
SECRET = Secret("Zx8-_aBcDeFgHiJkLmNoPqRsTuVwXy01")
OTHER = Secret("s3cr3tExampleToken00000B")
BODY = '{"event":"message_created","content":"¿Cuánto cuesta? \\u003cb\\u003e 😀"}'.encode()


def _headers(secret: Secret = SECRET, body: bytes = BODY, timestamp: str = str(NOW)) -> dict[str, str]:
    digest = hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-chatwoot-signature": f"sha256={digest}", "x-chatwoot-timestamp": timestamp}


def _reason(headers: dict[str, str], body: bytes = BODY, secrets: tuple[Secret, ...] = (SECRET,)) -> str:
    with pytest.raises(Untrusted) as refused:
        verify(headers, body, secrets, now_seconds=NOW)
    return refused.value.reason


def test_a_delivery_signed_over_timestamp_and_raw_body_is_accepted() -> None:
    """The construction of Chatwoot's trigger, made here without our own code."""
    verify(_headers(), BODY, [SECRET], now_seconds=NOW)


def test_our_own_signing_gives_what_chatwoot_gives() -> None:
    """The simulator and the README's example sign with it."""
    assert sign(SECRET, str(NOW), BODY) == _headers()["x-chatwoot-signature"]


def test_a_known_vector_written_out_in_full() -> None:
    """Computed once with openssl, so that both sides of the code cannot be wrong together."""
    header = "sha256=0fdbaacaacfc762be933996712cf667a04f462d259e1938db98a746fcd386298"
    headers = {"x-chatwoot-signature": header, "x-chatwoot-timestamp": "1781688901"}
    secret = Secret("s3cr3tExampleToken00000A")
    verify(headers, b'{"event":"message_created"}', [secret], now_seconds=1_781_688_901)


@pytest.mark.parametrize("off", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_a_timestamp_within_five_minutes_either_way_is_accepted(off: int) -> None:
    """Clocks differ, and queues delay."""
    verify(_headers(timestamp=str(NOW + off)), BODY, [SECRET], now_seconds=NOW)


@pytest.mark.parametrize("off", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1])
def test_a_timestamp_further_off_is_refused_although_its_signature_fits(off: int) -> None:
    """A recorded delivery cannot be played again later."""
    assert _reason(_headers(timestamp=str(NOW + off))) == "timestamp_off"


def test_two_secrets_are_valid_while_one_replaces_the_other() -> None:
    """Jobs already queued at Chatwoot carry the old secret."""
    verify(_headers(OTHER), BODY, [SECRET, OTHER], now_seconds=NOW)


def test_without_a_configured_secret_nothing_is_accepted() -> None:
    """An empty list of secrets is no open door."""
    assert _reason(_headers(), secrets=()) == "no_secret"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x-chatwoot-signature": ""}, "signature_missing"),
        ({"x-chatwoot-timestamp": ""}, "timestamp_missing"),
        ({"x-chatwoot-signature": "sha256="}, "signature_malformed"),
        ({"x-chatwoot-signature": "sha1=" + "0" * 64}, "signature_malformed"),
        ({"x-chatwoot-signature": "sha256=" + "A" * 64}, "signature_malformed"),
        ({"x-chatwoot-signature": "sha256=" + "é" * 64}, "signature_malformed"),
        ({"x-chatwoot-signature": "sha256=" + "0" * 64}, "signature_wrong"),
        ({"x-chatwoot-timestamp": "soon"}, "timestamp_malformed"),
        ({"x-chatwoot-timestamp": "-1"}, "timestamp_malformed"),
        ({"x-chatwoot-timestamp": "٣" * 10}, "timestamp_malformed"),
        ({"x-chatwoot-timestamp": "9" * 500}, "timestamp_malformed"),
        ({"x-chatwoot-timestamp": f"{NOW},{NOW}"}, "timestamp_malformed"),
        ({"x-chatwoot-timestamp": str(NOW - 1)}, "signature_wrong"),
    ],
)
def test_every_odd_header_is_refused_with_its_reason(change: dict[str, str], reason: str) -> None:
    """The gateway joins repeated headers with commas; senders send anything."""
    assert _reason(_headers() | change) == reason


def test_the_right_signature_twice_in_one_header_is_refused() -> None:
    """API Gateway joins repeated headers with a comma."""
    value = _headers()["x-chatwoot-signature"]
    assert _reason(_headers() | {"x-chatwoot-signature": f"{value},{value}"}) == "signature_malformed"


def test_a_signature_over_the_body_alone_is_refused_where_a_timestamp_is_required() -> None:
    """The mistake of chatwoot/chatwoot#13809."""
    digest = hmac.new(SECRET.reveal().encode(), BODY, hashlib.sha256).hexdigest()
    assert _reason(_headers() | {"x-chatwoot-signature": f"sha256={digest}"}) == "signature_wrong"


def test_a_base64_digest_is_refused() -> None:
    """Chatwoot writes hex."""
    digest = hmac.new(SECRET.reveal().encode(), f"{NOW}.".encode() + BODY, hashlib.sha256).digest()
    value = "sha256=" + base64.b64encode(digest).decode()
    assert _reason(_headers() | {"x-chatwoot-signature": value}) == "signature_malformed"


def test_json_written_again_does_not_have_the_same_bytes() -> None:
    """Why the raw body is kept until it is verified."""
    assert _reason(_headers(), body=json.dumps(json.loads(BODY)).encode()) == "signature_wrong"


@given(position=st.integers(0, len(BODY) * 8 - 1))
def test_any_single_changed_bit_of_the_body_is_refused(position: int) -> None:
    """Whatever an attacker changes, it shows."""
    changed = bytearray(BODY)
    changed[position // 8] ^= 1 << position % 8
    assert _reason(_headers(), body=bytes(changed)) == "signature_wrong"


@given(position=st.integers(0, 64 * 7 - 1))
def test_any_single_changed_bit_of_the_signature_is_refused(position: int) -> None:
    """No near miss counts."""
    digits = bytearray(_headers()["x-chatwoot-signature"].removeprefix("sha256=").encode())
    digits[position // 7] ^= 1 << position % 7
    headers = _headers() | {"x-chatwoot-signature": "sha256=" + digits.decode("latin-1")}
    assert _reason(headers) in {"signature_wrong", "signature_malformed"}


@given(signature=st.text(max_size=200), timestamp=st.text(max_size=50), body=st.binary(max_size=100))
def test_whatever_comes_is_refused_and_never_an_error_of_ours(
    signature: str, timestamp: str, body: bytes
) -> None:
    """Anything on the internet may knock."""
    assert _reason({"x-chatwoot-signature": signature, "x-chatwoot-timestamp": timestamp}, body)


def test_the_legacy_form_is_the_hex_digest_of_the_body_alone() -> None:
    """What the older program's users may still send."""
    digest = hmac.new(SECRET.reveal().encode(), BODY, hashlib.sha256).hexdigest()
    verify_legacy({"x-chatwoot-signature": digest}, BODY, [SECRET])
    verify_legacy({"x-chatwoot-signature": f"sha256={digest}"}, BODY, [SECRET])
    with pytest.raises(Untrusted):
        verify_legacy({"x-chatwoot-signature": digest}, BODY + b" ", [SECRET])
