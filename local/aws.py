"""The local AWS: ministack as a process, with IAM enforced."""

from __future__ import annotations

import http.client
import shutil
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local import surroundings
from local.ports import LOOPBACK
from local.python_environments import stack_environment
from local.world import REGION, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from local.processes import Process, Processes

NAME = "local AWS"
READY_SECONDS = 30.0


def interpreter() -> str:
    """The Python that runs ministack and, with it, the deployed functions."""
    return str(stack_environment(ROOT) / "bin" / "python")


def start(processes: Processes, port: int, state: Path) -> Process:
    """Start it with nothing in it: each run deploys anew, so what runs is what stands in the checkout."""
    scratch = emptied(state / "tmp")
    return processes.start(
        NAME,
        [interpreter(), "-m", "ministack"],
        log=surroundings.log_folder(state) / "aws.log",
        environment=surroundings.plain()
        | {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            "AWS_ACCESS_KEY_ID": surroundings.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": surroundings.ACCESS_KEY,
            "TMPDIR": str(scratch),
        },
        folder=scratch,
    )


def emptied(scratch: Path) -> Path:
    """An empty folder in a folder's place.

    What the functions of the last run unpacked, ten thousands of files, goes while other things happen: on a
    busy disk deleting it took over a minute. What a run that ended early left undone, the next one does.
    """
    if scratch.exists():
        scratch.rename(scratch.with_name(f"{scratch.name}-gone-{time.time_ns()}"))
    for gone in scratch.parent.glob(f"{scratch.name}-gone-*"):
        threading.Thread(target=shutil.rmtree, args=(gone, True), daemon=True).start()
    scratch.mkdir(parents=True)
    return scratch


def is_ready(port: int) -> bool:
    """Whether it answers."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def client(service: str, endpoint_url: str) -> Any:  # noqa: ANN401 - any service's client
    """A client of the local AWS with every permission."""
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=surroundings.ACCESS_KEY,
        aws_secret_access_key=surroundings.ACCESS_KEY,
        config=Config(retries={"mode": "standard"}, proxies={}),
    )
