"""cdk-nag looks at whatever is to run on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.constructs.nag import check
from infra.synthesis import new_app

from aws_cdk import Stack  # isort: skip - infra.constructs chooses the Node that this import starts
from aws_cdk import aws_sqs as sqs  # isort: skip - the same

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.templates import StageTemplate


def test_a_finding_fails_the_synthesis(tmp_path: Path) -> None:
    """A queue without dead-letter queue and without TLS does not get as far as a template."""
    stack = Stack(new_app(str(tmp_path)), "careless")
    sqs.Queue(stack, "Queue")
    check(stack)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        stack.node.root.synth()  # type: ignore[attr-defined]  # the root is the app


def test_our_stack_has_none(on_aws: StageTemplate) -> None:
    """Every finding is solved, or acknowledged at its construct with a reason."""
    assert on_aws.file.exists()
