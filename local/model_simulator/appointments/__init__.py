"""Conversations about times, as a part of its own."""
