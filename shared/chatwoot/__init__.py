"""The wire to Chatwoot: signature, events, API client, text made fit for a channel."""
