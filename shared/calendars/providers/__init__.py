"""Calendars of other vendors behind one contract."""
