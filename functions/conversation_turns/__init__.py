"""Turns: answers what customers wrote, each conversation in order."""
