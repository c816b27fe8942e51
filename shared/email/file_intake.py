"""How files that are too large for a message get to S3, and how an e-mail takes hold of them.

Whoever wants one sent asks for a place, and uploads to S3 itself: a request to our API may have 6 MB at most
(Lambda, "Quotas"). What S3 takes there is fixed when the place is given out: these bytes (SHA-256), this
many, this type, once. Sources: S3, "Uploading objects with presigned URLs", "Checking object integrity",
"How to prevent object overwrites with conditional writes".
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from shared.companies.base import Part
from shared.email.files import company_prefix, contact_prefix, is_gone, unreadable
from shared.email.message import (
    MAX_STORED_BYTES,
    Attachment,
    FileType,
    NewEmail,
    Sha256,
    StoredFile,
    Templated,
)
from shared.platform.errors import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, HeadObjectRequestTypeDef

    from shared.email.records import Contact
    from shared.platform.clock import Clock

UPLOAD_TIME = timedelta(minutes=15)
# The bucket's lifecycle rules hide files after `USABLE` and delete them after `KEPT`; an e-mail may be on its
# way for seven days in between.
KEPT = timedelta(days=90)
USABLE = timedelta(days=80)


class FileWish(Part):
    """A file that somebody wants to upload."""

    content_type: FileType
    size_bytes: Annotated[int, Field(ge=1, le=MAX_STORED_BYTES)]
    sha256: Sha256


@dataclass(frozen=True)
class Place:
    """Where a file may be uploaded to.

    Args:
        stored: what an attachment says to mean this file.
        url: takes one PUT; whoever has it may upload this very file, and nothing else.
        headers: what the PUT must carry.
        until: when the address ends.
        kept_until: when the file is deleted.
    """

    stored: StoredFile
    url: str
    headers: dict[str, str]
    until: datetime
    kept_until: datetime


class FileIntake:
    """Gives out places, and pins what was uploaded.

    Args:
        client: S3; its signatures must be version 4.
        bucket: the deployment's bucket, with versions.
        clock: for times.
        new_name: makes names that nobody can guess, and that never come twice.
    """

    def __init__(self, client: S3Client, bucket: str, clock: Clock, new_name: Callable[[], str]) -> None:
        self._client = client
        self._bucket = bucket
        self._clock = clock
        self._new_name = new_name

    def place(self, company_id: str, wish: FileWish, contact: Contact | None = None) -> Place:
        """A place for one file of a company, or of one of its customers."""
        folder = contact_prefix(company_id, contact) if contact else f"{company_prefix(company_id)}file/"
        file = StoredFile(key=folder + self._new_name(), sha256=wish.sha256, size_bytes=wish.size_bytes)
        checksum = _checksum(wish)
        url = self._client.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self._bucket,
                "Key": file.key,
                "ContentType": wish.content_type,
                "ContentLength": wish.size_bytes,
                "ChecksumSHA256": checksum,
                "IfNoneMatch": "*",
            },
            ExpiresIn=int(UPLOAD_TIME.total_seconds()),
        )
        headers = {
            "Content-Type": wish.content_type,
            "Content-Length": str(wish.size_bytes),
            "If-None-Match": "*",
            "x-amz-checksum-sha256": checksum,
        }
        now = self._clock.now()
        return Place(file, url, headers, now + UPLOAD_TIME, now + KEPT)

    def pinned(self, company_id: str, email: NewEmail | Templated) -> NewEmail | Templated:
        """The e-mail with each of its stored files in the version that lies there now.

        Raises:
            InvalidInput: a file is not the company's, was not uploaded, is another, or too old.
            RetryLater: S3 does not answer.
        """
        pinned = [
            self._pinned(company_id, one, f"attachments[{number}].stored")
            for number, one in enumerate(email.attachments)
        ]
        return email.model_copy(update={"attachments": pinned})

    def _pinned(self, company_id: str, attachment: Attachment, place: str) -> Attachment:
        file = attachment.stored
        if file is None:
            return attachment
        if not file.key.startswith(company_prefix(company_id)):
            raise _wrong(f"{place}.key", "is none that this company was given")
        found = self._found(file, place)
        if found["ContentLength"] != file.size_bytes:
            raise _wrong(f"{place}.size_bytes", f"must be {found['ContentLength']}, as it was uploaded")
        if found.get("ChecksumSHA256") != _checksum(file):
            raise _wrong(f"{place}.sha256", "is not that of the file that was uploaded")
        if found["LastModified"] < self._clock.now() - USABLE:
            raise _wrong(f"{place}.key", f"was uploaded more than {USABLE.days} days ago; upload it again")
        pinned = file.model_copy(update={"version_id": found["VersionId"]})
        return attachment.model_copy(update={"stored": pinned})

    def _found(self, file: StoredFile, place: str) -> HeadObjectOutputTypeDef:
        try:
            return self._client.head_object(**self._named(file))
        except ClientError as error:
            if is_gone(error):
                raise _wrong(f"{place}.key", "was not uploaded, or is gone") from error
            raise unreadable() from error
        except BotoCoreError as error:
            raise unreadable() from error

    def _named(self, file: StoredFile) -> HeadObjectRequestTypeDef:
        which: HeadObjectRequestTypeDef = {"Bucket": self._bucket, "Key": file.key, "ChecksumMode": "ENABLED"}
        if file.version_id:
            which["VersionId"] = file.version_id
        return which


def _checksum(file: FileWish | StoredFile) -> str:
    """The hash as S3 writes it."""
    return base64.b64encode(bytes.fromhex(file.sha256)).decode()


def _wrong(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field} {problem}", fields=(FieldError(field, problem),), status=422)
