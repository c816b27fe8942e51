"""Delivers e-mails."""
