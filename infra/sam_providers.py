"""What SAM's own providers find in a template, as JSON.

Run by the interpreter that has the SAM CLI, not by ours: infra/sam.py starts it.
"""

from __future__ import annotations

import json
import sys

from samcli.lib.providers.api_provider import ApiProvider  # type: ignore[import-not-found]
from samcli.lib.providers.sam_function_provider import SamFunctionProvider  # type: ignore[import-not-found]
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider  # type: ignore[import-not-found]


def main(template: str) -> None:
    """Print functions (name, handler, runtime, code) and routes (method, path, function)."""
    stacks, _remote = SamLocalStackProvider.get_stacks(template)
    provider = SamFunctionProvider(stacks, use_raw_codeuri=False, ignore_code_extraction_warnings=True)
    functions = [
        {"name": f.functionname, "handler": f.handler, "runtime": f.runtime, "code": f.codeuri}
        for f in provider.get_all()
    ]
    found = ApiProvider(stacks).api.routes
    routes = [{"methods": r.methods, "path": r.path, "function": r.function_name} for r in found]
    sys.stdout.write(json.dumps({"functions": functions, "routes": routes}))


if __name__ == "__main__":
    main(sys.argv[1])
