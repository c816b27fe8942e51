"""Calendly on your own machine: its OAuth 2.1 server and its API v2, as far as Frontdesk needs them.

What it does and leaves out stands in ``docs/reference/calendly-simulator.md``.
"""
