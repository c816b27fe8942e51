from __future__ import annotations

import subprocess
import sys

LOOK = "import sys, {module}; print(sorted({{'openai', 'httpx2'}} & set(sys.modules)))"


def test_the_mind_is_imported_without_the_vendors_sdk() -> None:
    """Half a second that an invocation which only waits must not pay."""
    for module in ("shared.agent.orchestrator", "shared.agent.connect", "shared.agent.tools.registry"):
        look = [sys.executable, "-c", LOOK.format(module=module)]
        done = subprocess.run(look, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
        assert done.stdout.strip() == "[]", module
