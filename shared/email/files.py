"""Attachments that lie in S3: where each stands, and how it is read when its e-mail goes out.

    company/<id>/file/<name>                         a file of the company's
    company/<id>/contact/<account>-<contact>/<name>  a customer's, which is forgotten with them

The company in the key is the wall between tenants: whoever names a file is a company, and only keys below its
own prefix are read for it. How files get there: `shared.email.file_intake`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.platform.errors import GiveUp, RetryLater

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from shared.email.message import StoredFile
    from shared.email.records import Contact

# What S3 answers where a key or version is not there, or can be none; HEAD has no body and tells the status
# alone. Not 403: functions may list the bucket, so it means that our policy is wrong, which passes.
GONE = {"NoSuchKey", "NoSuchVersion", "404", "InvalidArgument", "400", "MethodNotAllowed", "405"}


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
        """The file's bytes, in the version that was pinned when the e-mail was taken in.

        Raises:
            GiveUp: it is not the company's, was not pinned, is not there, or is not what it was.
            RetryLater: S3 does not answer.
        """
        if not file.key.startswith(company_prefix(company_id)):
            raise GiveUp("the stored attachment is not the company's", reason="attachment_foreign")
        if file.version_id is None:
            raise GiveUp("the stored attachment has no version", reason="attachment_unpinned")
        content = self._fetch(file, file.version_id)
        if len(content) != file.size_bytes or hashlib.sha256(content).hexdigest() != file.sha256:
            raise GiveUp("the stored attachment is not what it was", reason="attachment_changed")
        return content

    def _fetch(self, file: StoredFile, version_id: str) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=file.key, VersionId=version_id)
            if answer["ContentLength"] != file.size_bytes:
                raise GiveUp("the stored attachment is not what it was", reason="attachment_changed")
            return answer["Body"].read()
        except ClientError as error:
            if is_gone(error):
                raise GiveUp("the stored attachment is not there", reason="attachment_missing") from error
            raise unreadable() from error
        except BotoCoreError as error:
            raise unreadable() from error


def company_prefix(company_id: str) -> str:
    """Where a company's files stand."""
    return f"company/{company_id}/"


def contact_prefix(company_id: str, contact: Contact) -> str:
    """Where a customer's files stand."""
    return f"{company_prefix(company_id)}contact/{contact.account_id}-{contact.contact_id}/"


def is_gone(error: ClientError) -> bool:
    """Whether S3 says that there is no such file, or none for us."""
    return error.response.get("Error", {}).get("Code") in GONE


def unreadable() -> RetryLater:
    """S3 does not answer."""
    return RetryLater("the stored attachment cannot be read now", reason="attachment_store")
