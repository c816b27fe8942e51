"""Missed messages: finds what customers wrote and no webhook told."""
