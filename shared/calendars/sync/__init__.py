"""What companies' calendars hold, kept near: read every fifteen minutes, and at once when a vendor tells."""
