"""RSA keys that simulators make for themselves, and what they sign with them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

_BITS = 2048


class SigningKey:
    """A key of its own; it is made when it is first needed, because that takes a while."""

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=_BITS)

    @cached_property
    def private_pem(self) -> bytes:
        """The whole key (PEM, PKCS #8)."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @cached_property
    def public_pem(self) -> bytes:
        """Its public half (PEM)."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def token(self, claims: dict[str, Any]) -> str:
        """The claims as a JWT signed with RS256 (RFC 7519)."""
        # google-auth has no annotations.
        signer = crypt.RSASigner.from_string(self.private_pem)  # type: ignore[no-untyped-call]
        signed: bytes = jwt.encode(signer, claims)  # type: ignore[no-untyped-call]
        return signed.decode()
