"""Empties a stage's bucket before its stack is deleted: CloudFormation deletes none that holds something.

``python -m infra.emptying STAGE``, called by ``make destroy``. The CDK could do it with a function of its own
in the stack, in Node, with the right to delete everything; here the operator does it with their own rights.
"""

from __future__ import annotations

import sys

import boto3
from botocore.exceptions import ClientError

from infra import names
from infra.stages import STAGES


def main(arguments: list[str]) -> int:
    """Empty it; the process's exit status."""
    stage = STAGES.get(arguments[0]) if arguments else None
    if stage is None:
        sys.stderr.write(f"Name a stage: {', '.join(STAGES)}.\n")
        return 2
    if stage.keeps_data:
        sys.stderr.write(f"Stage {stage.name} keeps its files, as it keeps its tables.\n")
        return 0
    account = boto3.client("sts").get_caller_identity()["Account"]
    name = names.files_bucket(stage.name, account, boto3.client("s3").meta.region_name)
    try:
        boto3.resource("s3").Bucket(name).object_versions.delete()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucket":
            raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
