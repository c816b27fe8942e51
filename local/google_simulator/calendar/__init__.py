"""Calendars and events: what they hold, when they take place, how they are written."""
