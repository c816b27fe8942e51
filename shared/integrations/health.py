"""A company's integrations at a glance: what is broken, since when, and what mends it.

Only what is stored is looked at: asking for health costs the other side nothing. KMS is asked at most once in
five minutes and process, once a minute while it fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.credentials.key_service import KeyServiceCondition


class Condition(StrEnum):
    """How an integration is, from good to bad."""

    OK = "ok"
    DEGRADED = "degraded"
    BROKEN = "broken"


@dataclass(frozen=True)
class Health:
    """One integration.

    Args:
        status: how it is.
        reason: why it is not ok; empty when it is.
        since: since when the connection is as it is, as ISO text in UTC; empty where there is none.
        remedy: what mends it; empty when nothing needs mending.
    """

    status: Condition
    reason: str = ""
    since: str = ""
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The API's shape."""
        return {"status": self.status, "reason": self.reason, "since": self.since, "remedy": self.remedy}


def chatwoot_health(status: Mapping[str, Any]) -> Health:
    """How the connection with Chatwoot is.

    Args:
        status: what `shared.integrations.chatwoot.ChatwootIntegration.status` tells.
    """
    if not status["connected"]:
        remedy = "connect the company: frontdesk chatwoot connect"
        return Health(Condition.BROKEN, "the company is not connected with Chatwoot", remedy=remedy)
    since = str(status["connected_at"])
    if not status["can_verify"]:
        remedy = "connect again with --register-webhook, or with the webhook's secret"
        return Health(
            Condition.BROKEN, "no webhook can be verified: every delivery is refused", since, remedy
        )
    if not status["finds_lost_webhooks"]:
        remedy = "connect again with a user's token that may list conversations and messages"
        return Health(Condition.DEGRADED, "messages whose webhook was lost cannot be found", since, remedy)
    if status["warnings"]:
        remedy = "connect again with a token that may do it"
        return Health(Condition.DEGRADED, str(status["warnings"][0]), since, remedy)
    return Health(Condition.OK, since=since)


def vault_health(condition: KeyServiceCondition) -> Health:
    """Whether credentials can be opened: without KMS nothing works once what is in memory is too old."""
    if not condition.reason:
        return Health(Condition.OK)
    since = condition.since.isoformat() if condition.since else ""
    remedy = "the operator looks at the KMS key: enabled, grants in place, the account's quotas"
    return Health(Condition.BROKEN, f"credentials cannot be opened: {condition.reason}", since, remedy)


def overall(integrations: Mapping[str, Health]) -> dict[str, Any]:
    """All of them together: ``broken`` where one is, ``degraded`` where one is, else ``healthy``."""
    conditions = {health.status for health in integrations.values()}
    worst = next((bad for bad in (Condition.BROKEN, Condition.DEGRADED) if bad in conditions), None)
    return {
        "status": worst or "healthy",
        "integrations": {name: health.as_dict() for name, health in integrations.items()},
    }
