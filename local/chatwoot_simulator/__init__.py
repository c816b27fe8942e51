"""A Chatwoot on your own machine: its API, its webhooks and its rules, and a page to play customer and agent.

What it does and leaves out stands in ``docs/reference/chatwoot-simulator.md``.
"""
