"""Every route of the API."""

from __future__ import annotations

from functions.integrations_api import (
    routes_api_keys,
    routes_chatwoot,
    routes_companies,
    routes_contacts,
    routes_conversations,
    routes_open,
)

# In this order they are looked for: a fixed path before one with a name in it.
ROUTES = (
    *routes_open.ROUTES,
    *routes_companies.ROUTES,
    *routes_api_keys.ROUTES,
    *routes_chatwoot.ROUTES,
    *routes_conversations.ROUTES,
    *routes_contacts.ROUTES,
)
