"""Looks at companies' calendars every fifteen minutes, and when a vendor tells of a change."""
