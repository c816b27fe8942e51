"""Calendly's webhooks: who subscribed, and telling them. Facts: its pages on signatures and errors."""
