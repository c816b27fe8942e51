"""cdk-nag's findings that we have thought about, each at its construct with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Validations
from cdk_nag import AwsSolutionsChecks

if TYPE_CHECKING:
    from constructs import IConstruct


def check(scope: IConstruct) -> None:
    """Have cdk-nag look at everything below a construct when it is synthesized."""
    Validations.of(scope).add_plugins(AwsSolutionsChecks(scope))


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding at one construct.

    Args:
        construct: where it shows, as narrow as it goes.
        finding: its granular id, such as ``AwsSolutions-IAM5[Resource::*]``.
        reason: why it is right here.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
