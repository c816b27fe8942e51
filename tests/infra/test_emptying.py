"""Before a stage is deleted its bucket is emptied, unless the stage keeps its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import boto3
import pytest

from infra import emptying, names

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION: Literal["eu-west-1"] = "eu-west-1"
ACCOUNT = "123456789012"  # moto's


@pytest.fixture
def s3(aws: None, monkeypatch: pytest.MonkeyPatch) -> S3Client:  # noqa: ARG001 - needs the account
    """The buckets of dev and prod, each with two versions of a file and a mark of deletion."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    client: S3Client = boto3.client("s3", region_name=REGION)
    for stage in ("dev", "prod"):
        bucket = names.files_bucket(stage, ACCOUNT, REGION)
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for _ in range(2):
            client.put_object(Bucket=bucket, Key="company/sol/file/a", Body=b"x")
        client.delete_object(Bucket=bucket, Key="company/sol/file/a")
    return client


def versions(s3: S3Client, stage: str) -> int:
    """How much lies in a stage's bucket."""
    found = s3.list_object_versions(Bucket=names.files_bucket(stage, ACCOUNT, REGION))
    return len(found.get("Versions", [])) + len(found.get("DeleteMarkers", []))


def test_a_trial_leaves_nothing_behind(s3: S3Client) -> None:
    """Every version goes, so that CloudFormation can delete the bucket."""
    assert (versions(s3, "dev"), emptying.main(["dev"]), versions(s3, "dev")) == (3, 0, 0)


def test_prod_keeps_its_files(s3: S3Client) -> None:
    """Whatever is typed."""
    assert (emptying.main(["prod"]), versions(s3, "prod")) == (0, 3)


def test_a_stage_that_was_never_deployed_is_empty(s3: S3Client) -> None:
    """And a word that is no stage is refused."""
    assert (emptying.main(["local"]), emptying.main(["other"]), emptying.main([])) == (0, 2, 2)
    assert versions(s3, "dev") == 3
