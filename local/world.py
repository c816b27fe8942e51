"""What a running local world consists of, in ``env.json`` for whoever talks to it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local.failure import Failure

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_STATE = ROOT / ".local"
REGION = "eu-west-1"
STAGE = "local"


@dataclass(frozen=True)
class World:
    """Addresses and keys of a running local world.

    Args:
        api_url: our API: a plain base URL for any HTTP client.
        desk_url: the chat page, for a browser.
        aws_endpoint_url: the local AWS (access key ``test``, secret ``test``).
        region: the AWS region it was deployed to.
        stack: the CloudFormation stack.
        outputs: the stack's outputs: names and addresses of tables and queues.
        chatwoot_base_url: the Chatwoot simulator.
        model_base_url: the model that the functions ask.
        model_is_simulated: whether that is the simulator.
        google_base_url: the Google simulator.
        calendly_base_url: the Calendly simulator.
        generic_calendar_base_url: the simulator of a company's own calendar.
        mail_base_url: the mail simulator: SendGrid, Mailgun and SES, and its page ``/inbox``.
        smtp_port: its SMTP, on the loopback address.
        microsoft_base_url: the Microsoft simulator.
        logs: the folder of the processes' logs.
        company_id: the sample company; empty without the sample.
        company_api_key: a key of the sample company; empty without the sample.
        webhook_url: where Chatwoot's webhook of the sample company leads; empty without the sample.
        webhook_secret: what its deliveries are signed with; empty without the sample.
        operator_api_key: a key of the operator.
    """

    api_url: str
    desk_url: str
    aws_endpoint_url: str
    region: str
    stack: str
    chatwoot_base_url: str
    model_base_url: str
    model_is_simulated: bool
    logs: str
    google_base_url: str = ""
    calendly_base_url: str = ""
    generic_calendar_base_url: str = ""
    mail_base_url: str = ""
    smtp_port: int = 0
    microsoft_base_url: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    company_id: str = ""
    company_api_key: str = field(default="", repr=False)
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    operator_api_key: str = field(default="", repr=False)

    def save(self, state: Path) -> Path:
        """Write ``env.json``, readable by its owner only, because it holds keys."""
        file = state / "env.json"
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(asdict(self), out, indent=2)
            out.write("\n")
        return file

    @classmethod
    def load(cls, state: Path) -> World:
        """Read ``env.json``.

        Raises:
            Failure: nothing runs here.
        """
        try:
            return cls(**json.loads((state / "env.json").read_text()))
        except FileNotFoundError:
            raise Failure("No local world is running here: `make run` starts one.") from None
