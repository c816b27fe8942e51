"""The operator's command ``frontdesk``."""
