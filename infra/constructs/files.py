"""The bucket of e-mails' large files (docs/reference/infrastructure.md, "Files")."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import names
from infra.constructs.nag import acknowledge

if TYPE_CHECKING:
    from aws_cdk import CfnElement
    from aws_cdk import aws_iam as iam

    from infra.stages import Settings

# As long as a file can be named in an e-mail (`shared.email.file_intake`). In a bucket with versions this
# makes it an older version, which e-mails that are on their way still find.
NAMED = Duration.days(80)
# How long an older version is kept: longer than an e-mail may be on its way.
KEPT_AFTER = Duration.days(10)


class Files(Construct):
    """Private, encrypted, versioned, emptied by the clock; whole uploads only.

    Encryption is S3's own (SSE-S3), for the reason that tables have DynamoDB's own: with a key of ours each
    reader would need a grant on it that is wider than the vault's purposes.
    """

    def __init__(self, scope: Construct, construct_id: str, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        stage, stack = settings.stage, Stack.of(self)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=names.files_bucket(stage.name, stack.account, stack.region),
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=stage.on_aws,
            minimum_tls_version=1.2 if stage.on_aws else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            cors=_cors(settings),
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="forget",
                    expiration=NAMED,
                    noncurrent_version_expiration=KEPT_AFTER,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
                # What says of a file that it has gone, once no version of it is left.
                s3.LifecycleRule(id="forget-that-it-was-there", expired_object_delete_marker=True),
            ],
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.bucket,
            "AwsSolutions-S1",
            "every upload has an address that our API gave out, and every read is a function's own: both are "
            "in their logs. A bucket of access logs would be one more that holds names of customers' files",
        )

    def acknowledge_readers(self, policy: iam.Policy) -> None:
        """A policy names the folder of all companies: which file is whose, the functions check."""
        stack = Stack.of(self)
        logical_id = stack.resolve(stack.get_logical_id(cast("CfnElement", self.bucket.node.default_child)))
        acknowledge(
            policy,
            f"AwsSolutions-IAM5[Resource::<{logical_id}.Arn>/{names.FILES_PREFIX}*]",
            "keys are made while companies live; the bucket holds nothing but such files, and a function "
            "asks for one only below the company's own prefix",
        )


def _cors(settings: Settings) -> list[s3.CorsRule] | None:
    """Browser pages that may call the API may upload what it gave them a place for."""
    if not settings.allowed_origins:
        return None
    rule = s3.CorsRule(
        allowed_methods=[s3.HttpMethods.PUT],
        allowed_origins=list(settings.allowed_origins),
        allowed_headers=["content-type", "if-none-match", "x-amz-checksum-sha256"],
        exposed_headers=["x-amz-version-id"],
        max_age=3600,
    )
    return [rule]
