"""The CDK app: ``cdk.json`` starts it, the CDK CLI passes context, it writes the cloud assembly."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from infra.bundling import bundler_for
from infra.dependencies import BundlingError
from infra.imports import ModuleMissing
from infra.interpreters import InterpreterMissing
from infra.stages import ContextError, read_settings
from infra.synthesis import new_app, synthesize

if TYPE_CHECKING:
    from aws_cdk import App


def main(app: App | None = None) -> int:
    """Synthesize the stage that the context names.

    Returns:
        The process's exit status: 0, or 1 after a sentence on standard error.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    app = app or new_app()
    try:
        settings = read_settings(app.node.try_get_context)
        synthesize(app, settings, bundler_for(settings))
    except (BundlingError, ContextError, InterpreterMissing, ModuleMissing) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
