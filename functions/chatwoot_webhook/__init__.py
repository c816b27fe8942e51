"""The door: receives every webhook delivery of Chatwoot."""
