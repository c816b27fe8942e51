"""KMS as the vault uses it: make a data key, open one, and remember how it answered last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.platform.errors import FrontdeskError, GiveUp, RetryLater
from shared.platform.observability import count, log

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TypeVar

    from mypy_boto3_kms import KMSClient

    from shared.platform.clock import Clock

    T = TypeVar("T")

_PASSING = {
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "KeyUnavailableException",
    "ServiceUnavailable",
    "InternalFailure",
}


class CredentialUnreadable(GiveUp):
    """A stored credential does not open: it was changed, or it belongs to another company, field or key."""

    default_reason = "credential_unreadable"


class KeyServiceRefused(GiveUp):
    """KMS refuses: no grant, or the key is disabled or gone. Retries do not help, an operator does."""

    default_reason = "kms_refused"


@dataclass(frozen=True)
class KeyServiceCondition:
    """How KMS answered this process last.

    Args:
        reason: why it does not work, as a sentence; empty where it does.
        since: the first failure of those that have not ended; ``None`` where it works.
        heard_at: when KMS was asked last, on the monotonic clock.
    """

    reason: str = ""
    since: datetime | None = None
    heard_at: float = 0.0


class KeyService:
    """Asks KMS, always under the context of company and purpose.

    Args:
        kms: a KMS client.
        key_arn: the KMS key that new data keys are made under.
        clock: for times.
    """

    def __init__(self, kms: KMSClient, key_arn: str, clock: Clock) -> None:
        self._kms = kms
        self.key_arn = key_arn
        self._clock = clock
        self.heard: KeyServiceCondition | None = None

    def generate(self, company_id: str, purpose: str) -> tuple[bytes, bytes]:
        """A new data key, plain and wrapped.

        Raises:
            RetryLater: KMS does not answer now.
            KeyServiceRefused: it will not.
        """
        answer = self._asked(
            lambda: self._kms.generate_data_key(
                KeyId=self.key_arn, KeySpec="AES_256", EncryptionContext=context(company_id, purpose)
            )
        )
        return answer["Plaintext"], answer["CiphertextBlob"]

    def unwrap(self, company_id: str, purpose: str, wrapped: bytes, key_arn: str) -> bytes:
        """A data key in plain.

        Args:
            company_id: whose it is.
            purpose: what it is for.
            wrapped: as it stands in the table.
            key_arn: the KMS key that wrapped it, which during a change of keys is not the newest. Which of
                them a function may use is for its grants to say.

        Raises:
            CredentialUnreadable: it was wrapped for another company or purpose.
            RetryLater: KMS does not answer now.
            KeyServiceRefused: it will not.
        """
        answer = self._asked(
            lambda: self._kms.decrypt(
                KeyId=key_arn, CiphertextBlob=wrapped, EncryptionContext=context(company_id, purpose)
            )
        )
        return answer["Plaintext"]

    def _asked(self, ask: Callable[[], T]) -> T:
        now = self._clock.monotonic()
        try:
            answer = ask()
        except (ClientError, BotoCoreError) as error:
            refused = _refusal(error)
            if not isinstance(refused, CredentialUnreadable):
                self._note_failure(refused, now)
            raise refused from error
        self.heard = KeyServiceCondition(heard_at=now)
        return answer

    def _note_failure(self, refused: FrontdeskError, now: float) -> None:
        since = (self.heard and self.heard.since) or self._clock.now()
        self.heard = KeyServiceCondition(str(refused), since, now)
        log.error("KMS does not open or make data keys", reason=refused.reason, said=str(refused))
        count("KeyServiceFailures", reason=refused.reason)


def context(company_id: str, purpose: str) -> dict[str, str]:
    """The encryption context: what grants are conditioned on, and what binds a data key to its company."""
    return {"company": company_id, "purpose": purpose}


def _refusal(error: ClientError | BotoCoreError) -> RetryLater | GiveUp:
    if not isinstance(error, ClientError):
        return RetryLater("KMS could not be reached", reason="kms_unavailable")
    code = error.response["Error"]["Code"]
    if code in _PASSING:
        return RetryLater(f"KMS answered {code}", reason="kms_unavailable")
    if code == "InvalidCiphertextException":
        return CredentialUnreadable("the data key was made for another company or purpose")
    return KeyServiceRefused(f"KMS answered {code}")
