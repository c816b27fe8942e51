"""Files that go before their time: a customer's or a company's, in every version."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.email.files import unreadable
from shared.platform.errors import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from shared.platform.clock import Deadline

# As many as one DeleteObjects takes are a thousand; fewer keep to a deadline.
_AT_ONCE = 100


class FileRemoval:
    """Removes stored files.

    Args:
        client: S3.
        bucket: the deployment's bucket, with versions.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def remove(self, prefix: str, count: Callable[[int], None], deadline: Deadline | None = None) -> bool:
        """Delete every version of every file whose key begins so.

        Args:
            prefix: see `shared.email.files.company_prefix` and `contact_prefix`.
            count: told how many versions are gone now.
            deadline: when to stop; ``None``: when nothing is left.

        Returns:
            Whether nothing is left.

        Raises:
            RetryLater: S3 does not answer, or does not delete.
        """
        try:
            # Again and again until nothing is found: what is deleted while it is listed moves the pages.
            while found := list(islice(self._versions(prefix), _AT_ONCE)):
                if deadline is not None and deadline.passed():
                    return False
                self._delete(found)
                count(len(found))
        except (ClientError, BotoCoreError) as error:
            raise unreadable() from error
        return True

    def _versions(self, prefix: str) -> Iterator[ObjectIdentifierTypeDef]:
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                yield {"Key": one["Key"], "VersionId": one["VersionId"]}

    def _delete(self, some: list[ObjectIdentifierTypeDef]) -> None:
        answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": some, "Quiet": True})
        if answer.get("Errors"):
            # A list of what was not deleted comes inside a 200.
            raise RetryLater("stored files cannot be deleted now", reason="attachment_store")
