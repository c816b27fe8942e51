"""Environment variables for the processes of the local world.

What the developer's shell holds for real accounts never reaches them: no AWS profile, no OpenAI key.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from local.world import REGION, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ACCESS_KEY = "test"

# What a program needs of its surroundings to run at all and to reach the outside through a company's proxy.
_KEPT = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"}
_KEPT_ENDINGS = ("_PROXY", "_CA_BUNDLE", "_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")
_NEVER_FOR_DEPLOYING = ("AWS_", "OPENAI_", "FRONTDESK_", "CDK_", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")


def plain(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For servers: the bare necessities."""
    kept = {
        name: value
        for name, value in variables.items()
        if name in _KEPT or name.upper().endswith(_KEPT_ENDINGS)
    }
    return _around_the_proxy(kept) | {"PYTHONUNBUFFERED": "1"}


def for_deploying(aws_endpoint_url: str, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For the CDK: everything that installers may need, and the local AWS as the only account."""
    kept = {name: value for name, value in variables.items() if not name.startswith(_NEVER_FOR_DEPLOYING)}
    return _around_the_proxy(
        kept
        | {
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{variables.get('PATH', os.defpath)}",
            "AWS_ENDPOINT_URL": aws_endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
            "NO_COLOR": "1",
        }
    )


def _around_the_proxy(variables: dict[str, str]) -> dict[str, str]:
    """Loopback addresses are reached directly, whatever proxy the shell names."""
    exceptions = [variables.get("NO_PROXY") or variables.get("no_proxy", ""), "127.0.0.1", "localhost"]
    without = ",".join(exception for exception in exceptions if exception)
    return variables | {"NO_PROXY": without, "no_proxy": without}


def log_folder(state: Path) -> Path:
    """Where the processes of a world write."""
    return state / "logs"
