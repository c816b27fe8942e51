"""Looks at calendars."""
