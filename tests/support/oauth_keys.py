"""Keys of service accounts."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@cache
def private_key() -> str:
    """A private key; making one takes a while, so there is one for all tests."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def a_service_account(**changes: object) -> dict[str, Any]:
    """A service account's key as Google's console gives it out."""
    return {
        "type": "service_account",
        "client_email": "desk@sol.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": private_key(),
        "token_uri": "https://oauth2.googleapis.com/token",
        **changes,
    }
