"""What people and tests do besides the API: a page that shows the calendars, and controls."""
