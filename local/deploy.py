"""The real ``cdk deploy`` of the real app, into the local AWS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import names
from local import aws, surroundings
from local.failure import Failure
from local.node import cdk_command
from local.world import REGION, ROOT, STAGE

if TYPE_CHECKING:
    from pathlib import Path

    from local.model import Model
    from local.oauth_clients import OAuthClients
    from local.processes import Processes

NAME = "cdk deploy"


@dataclass(frozen=True)
class Deployment:
    """What to deploy, and where.

    Args:
        state: the folder that belongs to this world.
        aws_endpoint_url: the local AWS.
        public_url: the address under which our API can be called.
        model: the model that the functions ask.
        clients: who this deployment is at Google, Calendly and Microsoft.
        mail_base_url: the simulated SendGrid and Mailgun, and what stands before the local AWS's SES.
    """

    state: Path
    aws_endpoint_url: str
    public_url: str
    model: Model
    clients: OAuthClients
    mail_base_url: str = ""

    @property
    def log(self) -> Path:
        """Where the CDK's output goes."""
        return surroundings.log_folder(self.state) / "deploy.log"

    def prepare(self) -> None:
        """Make what the stack expects to find: the bucket for its code, the model's key, clients' secrets."""
        aws.client("s3", self.aws_endpoint_url).create_bucket(
            Bucket=names.assets_bucket(STAGE), CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        parameters = aws.client("ssm", self.aws_endpoint_url)
        for name, secret in {names.OPENAI_API_KEY: self.model.api_key, **self.clients.secrets()}.items():
            parameters.put_parameter(
                Name=names.parameter(STAGE, name), Value=secret.reveal(), Type="SecureString", Overwrite=True
            )

    def run(self, processes: Processes) -> dict[str, str]:
        """Deploy.

        Returns:
            The stack's outputs.

        Raises:
            Failure: the CDK could not.
        """
        outputs = self.state / "outputs.json"
        outputs.unlink(missing_ok=True)
        process = processes.start(
            NAME,
            self._command(outputs),
            log=self.log,
            environment=surroundings.for_deploying(self.aws_endpoint_url),
            folder=ROOT,
        )
        if processes.wait(process) != 0 or not outputs.exists():
            raise Failure("The deployment failed: its last lines stand above.", self.log)
        stacks: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return stacks[names.stack(STAGE)]

    def _command(self, outputs: Path) -> list[str]:
        context = {
            "stage": STAGE,
            "public_url": self.public_url,
            "local_python": aws.interpreter(),
            "openai_base_url": self.model.base_url,
            "openai_api": self.model.api,
            **({"openai_model": self.model.name} if self.model.name else {}),
            "mail_base_url": self.mail_base_url,
            "ses_base_url": self.mail_base_url,
            **self.clients.context(),
        }
        settings = [word for name, value in context.items() for word in ("-c", f"{name}={value}")]
        options = ["--all", "--require-approval=never", "--progress=events", "--no-notices", "--ci"]
        places = [f"--output={self.state / 'cdk.out'}", f"--outputs-file={outputs}"]
        return [*cdk_command(ROOT), "deploy", *options, *places, *settings]
