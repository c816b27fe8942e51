"""Reminds customers of their appointments."""
