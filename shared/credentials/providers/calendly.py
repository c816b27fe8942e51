"""Calendly.

Sources: "Authentication" and "Refresh token rotation guide" (developer.calendly.com/docs); scopes since
2026-03-03. Every answer of the token endpoint brings a new pair and ends the old one.
"""

from __future__ import annotations

from shared.credentials.providers.contract import AccountFields, Endpoints, OAuthProvider

_DOMAINS = ("users", "event_types", "availability", "scheduled_events", "scheduling_links", "webhooks")
_ASKED = (
    "users:read",
    "event_types:read",
    "availability:read",
    "scheduled_events:read",
    "scheduled_events:write",
    "scheduling_links:write",
    "webhooks:write",
)

CALENDLY = OAuthProvider(
    name="calendly",
    title="Calendly",
    endpoints=Endpoints(
        authorize="https://auth.calendly.com/oauth/authorize",
        token="https://auth.calendly.com/oauth/token",  # noqa: S106 - an address
        revoke="https://auth.calendly.com/oauth/revoke",
        account="https://api.calendly.com/users/me",
    ),
    issuer="https://auth.calendly.com",
    asked=_ASKED,
    # Webhooks need a paid plan; without them changes are found by asking.
    required=frozenset(_ASKED) - {"webhooks:write"},
    account=AccountFields(
        account_id=("resource", "uri"),
        email=("resource", "email"),
        settings={
            "user_uri": ("resource", "uri"),
            "organization_uri": ("resource", "current_organization"),
            "zone": ("resource", "timezone"),
        },
    ),
    implies={f"{domain}:write": frozenset({f"{domain}:read"}) for domain in _DOMAINS},
    token_authentication="basic",  # noqa: S106 - a way, not a secret
    revoke_authentication="body",
    rotates=True,
    access_token_seconds=7200,
    api_keys=True,
    remove_at="calendly.com/integrations",
)
