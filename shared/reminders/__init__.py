"""Reminders of appointments: which are due, whether they are still right, and what they say."""
