"""Days and times in customers' words."""
