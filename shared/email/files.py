"""Attachments that lie in S3: read in the pinned version, and compared with what was meant."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.platform.errors import GiveUp, RetryLater

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from shared.email.message import StoredFile

_GONE = {"NoSuchKey", "NoSuchVersion", "404", "AccessDenied", "403", "InvalidArgument", "MethodNotAllowed"}


class S3Files:
    """Reads stored attachments of one deployment.

    Args:
        client: S3.
        bucket: the deployment's bucket, with versions.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, company_id: str, file: StoredFile) -> bytes:
        """The file's bytes. Keys begin with ``company/<id>/``, so that no company reads another's.

        Raises:
            GiveUp: it is not the company's, not there, or not what it was.
            RetryLater: S3 does not answer.
        """
        if not file.key.startswith(f"company/{company_id}/"):
            raise GiveUp("the stored attachment is not the company's", reason="attachment_foreign")
        content = self._fetch(file)
        if len(content) != file.size_bytes or hashlib.sha256(content).hexdigest() != file.sha256:
            raise GiveUp("the stored attachment is not what it was", reason="attachment_changed")
        return content

    def _fetch(self, file: StoredFile) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=file.key, VersionId=file.version_id)
            if answer["ContentLength"] != file.size_bytes:
                raise GiveUp("the stored attachment is not what it was", reason="attachment_changed")
            return answer["Body"].read()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _GONE:
                raise GiveUp("the stored attachment is not there", reason="attachment_missing") from error
            raise RetryLater("the stored attachment cannot be read now", reason="attachment_store") from error
        except BotoCoreError as error:
            raise RetryLater("the stored attachment cannot be read now", reason="attachment_store") from error
