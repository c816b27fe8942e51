"""Turns settings into a cloud assembly; the app and the tests of the template both come through here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from infra.constructs.nag import check
from infra.stack import FrontdeskStack

from aws_cdk import App  # isort: skip - infra.constructs chooses the Node that this import starts

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

    from infra.bundling import Bundler
    from infra.stages import Settings

_CDK_JSON = Path(__file__).resolve().parent.parent / "cdk.json"


def new_app(outdir: str | None = None, **context: str) -> App:
    """An app with the feature flags of ``cdk.json`` and this context, as the CDK CLI would start it."""
    flags = json.loads(_CDK_JSON.read_text())["context"]
    # The CLI asks for these names of code archives in the template; SAM finds a function's code by them.
    return App(context={**flags, "aws:cdk:enable-asset-metadata": True, **context}, outdir=outdir)


def synthesize(app: App, settings: Settings, bundler: Bundler) -> CloudAssembly:
    """Write the stack of these settings into the app's output folder.

    cdk-nag looks at it where it is to run on AWS; a finding fails the synthesis.
    """
    stack = FrontdeskStack(app, settings, bundler)
    if settings.stage.on_aws:
        check(stack)
    return app.synth()
