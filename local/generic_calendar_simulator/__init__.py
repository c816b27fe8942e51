"""A company's own calendar on your own machine: a reference of the contract that such a calendar keeps.

What it does and leaves out stands in ``docs/reference/generic-calendar.md``.
"""
