"""The HTTP API for operators and companies: everything but Chatwoot's webhooks."""

VERSION = "0.1.0"
