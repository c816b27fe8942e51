"""Google on your own machine: its OAuth 2.0 server and the Calendar API v3, as far as Frontdesk needs them.

What it does and leaves out stands in ``docs/reference/google-simulator.md``.
"""
