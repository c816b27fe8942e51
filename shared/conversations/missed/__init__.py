"""Messages whose webhook was lost: found by comparing Chatwoot with the inboxes, and enqueued."""
