"""Consent at every provider, as companies and people see it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.conftest import RunningWorld

PROVIDERS = ("google", "calendly", "microsoft")
TITLES = {"google": "Google Calendar", "calendly": "Calendly", "microsoft": "Microsoft Outlook"}


@dataclass(frozen=True)
class Clinic:
    """A company that wants to be connected with one provider, and the person who owns the account there.

    Args:
        world: where.
        id: the company's id.
        provider: with whom.
        name: what the company is called.
        account: the person's account at the provider.
    """

    world: RunningWorld
    id: str
    provider: str
    name: str
    account: str

    @classmethod
    def opened(cls, world: RunningWorld, provider: str, name: str = "Sol & Mar <Clinic>") -> Clinic:
        """A new one, with a new account."""
        number = uuid.uuid4().hex[:10]
        document = {"name": name, "zone": "Europe/Madrid", "language": "en"}
        world.api("PUT", f"/api/companies/clinic-{number}", document)
        clinic = cls(world, f"clinic-{number}", provider, name, f"owner-{number}@clinic.example")
        clinic.new_account(clinic.account)
        return clinic

    @property
    def title(self) -> str:
        """The provider's name, as people read it."""
        return TITLES[self.provider]

    @property
    def callback(self) -> str:
        """Where the provider sends browsers back to."""
        return f"{self.world.world.api_url}/api/integrations/{self.provider}/callback"

    def new_account(self, email: str) -> str:
        """Another account at the provider; its address."""
        self.simulator("POST", "/simulator/accounts", {"email": email, "name": email.partition("@")[0]})
        return email

    def simulator(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """Call the provider's simulator."""
        return self.world.providers[self.provider](method, path, body)

    def link(self) -> str:
        """A new link for the person who owns the account."""
        asked = {"company_id": self.id}
        url: str = self.world.api("POST", f"/api/integrations/{self.provider}/connect", asked)["auth_url"]
        return url

    def status(self) -> dict[str, Any]:
        """How the company is connected."""
        path = f"/api/integrations/{self.provider}/status?company_id={self.id}"
        told: dict[str, Any] = self.world.api("GET", path)
        return told

    def token_calls(self, kind: str = "authorization_code") -> int:
        """How often the provider was asked for tokens, by everybody."""
        calls: int = self.simulator("GET", "/simulator/oauth")["token_calls"].get(kind, 0)
        return calls

    def items(self) -> list[dict[str, Any]]:
        """What the credentials table holds of the company."""
        table = self.world.world.outputs["CredentialsTable"]
        found: list[dict[str, Any]] = self.world.aws("dynamodb").query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"company#{self.id}"}},
        )["Items"]
        return found
