"""Microsoft's identity platform on your own machine, as far as Frontdesk needs it to send e-mails.

What it does and leaves out stands in ``docs/reference/microsoft-simulator.md``.
"""
