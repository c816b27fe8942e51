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
    from datetime import datetime

    from shared.companies.pulse import Beat
    from shared.credentials.connections import Connection
    from shared.credentials.key_service import KeyServiceCondition

# So many noted failures in a row are no accident.
BROKEN_AFTER = 3
# One is enough: no retry helps.
PERMANENT = frozenset({"model_denied", "model_quota", "model_address_refused", "chatwoot_denied"})
REMEDIES = {
    "model_denied": "the operator stores another key: frontdesk secret set openai_api_key",
    "model_quota": "the operator adds credit at the model's provider",
    "model_address_refused": "the operator sets FRONTDESK_OPENAI_BASE_URL right",
    "chatwoot_denied": "connect again with a token that is valid: frontdesk chatwoot connect",
}


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


def with_beat(stored: Health, beat: Beat, remedy: str) -> Health:
    """What is stored of an integration, and what the working paths met since; the worse of the two counts.

    Args:
        stored: how it looks by what is stored.
        beat: how it did.
        remedy: what mends a failure, where there is no better advice.
    """
    if beat.failing_since is None or stored.status is Condition.BROKEN:
        return stored
    lasting = beat.failures >= BROKEN_AFTER or beat.reason in PERMANENT
    condition = Condition.BROKEN if lasting else Condition.DEGRADED
    reason = f"calls fail: {beat.reason}, {beat.failures} noted in a row"
    return Health(condition, reason, beat.failing_since.isoformat(), REMEDIES.get(beat.reason, remedy))


def connection_health(connection: Connection, now: datetime) -> Health:
    """How a connection to an OAuth provider is, by what refreshes and calls have noted.

    Args:
        connection: as it is stored; read without its tokens.
        now: the current moment.
    """
    provider, last = connection.provider, connection.last_error
    since = (last.at if last else connection.connected_at).isoformat()
    if connection.status == "reconnect_required":
        why = f" ({last.reason})" if last else ""
        remedy = f"connect again: POST /api/integrations/{provider}/connect"
        return Health(Condition.BROKEN, f"the provider accepts the connection no longer{why}", since, remedy)
    if connection.status == "insufficient":
        remedy = f"connect again and allow everything: POST /api/integrations/{provider}/connect"
        return Health(Condition.BROKEN, "not every permission was granted", since, remedy)
    if last is not None:
        ended = connection.access_expires_at is not None and connection.access_expires_at <= now
        reason = f"the tokens cannot be renewed now: {last.reason}, {last.count} times in a row"
        remedy = f"nothing, it is tried again; if it lasts, look at {provider}'s status page"
        return Health(Condition.BROKEN if ended else Condition.DEGRADED, reason, since, remedy)
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
