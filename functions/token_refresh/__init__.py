"""Renews companies' access tokens before they end."""
