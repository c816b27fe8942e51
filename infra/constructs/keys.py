"""The KMS key that wraps the vault's data keys (docs/reference/infrastructure.md, "Keys")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra import names

if TYPE_CHECKING:
    from infra.stages import Settings

# The vault's encryption context is {company, purpose}; this is how a policy reads the second.
CONTEXT_PURPOSE = "kms:EncryptionContext:purpose"
# What reveals or makes key material; ReEncrypt is checked by both of its halves.
_CRYPTOGRAPHY = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]


class Keys(Construct):
    """The vault's key, rotated every year; old material goes on opening what it wrapped."""

    def __init__(self, scope: Construct, construct_id: str, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        stage = settings.stage
        self.vault = kms.Key(
            self,
            "Vault",
            alias=names.key_alias(stage.name),
            description=f"Wraps the data keys of Frontdesk's vault, stage {stage.name}",
            enable_key_rotation=True,
            pending_window=Duration.days(30 if stage.keeps_data else 7),
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )
        # Another key in its place; ours goes on opening what it wrapped until everything was rotated.
        self.used_arn = settings.kms_key_arn or self.vault.key_arn
        self.arns = [self.vault.key_arn, *([settings.kms_key_arn] if settings.kms_key_arn else [])]
        if stage.on_aws:
            self._refuse_without_purpose()

    def _refuse_without_purpose(self) -> None:
        """Nobody, administrators included, wraps or opens anything that does not name its purpose."""
        self.vault.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EveryDataKeyNamesItsPurpose",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=_CRYPTOGRAPHY,
                resources=["*"],
                conditions={"Null": {CONTEXT_PURPOSE: "true"}},
            )
        )

    def confine(self, role: iam.IRole, purposes: tuple[str, ...]) -> None:
        """Deny a role every other purpose, whatever its own policies may come to allow; without any, all."""
        others = {"StringNotEquals": {CONTEXT_PURPOSE: list(purposes)}} if purposes else None
        self.vault.add_to_resource_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.ArnPrincipal(role.role_arn)],
                actions=_CRYPTOGRAPHY,
                resources=["*"],
                conditions=others,
            )
        )
