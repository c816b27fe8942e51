"""Conversations: the door, the inbox and its bursts, the turn, the ledger, people, history, dead letters."""
