"""Text made fit for a channel: what Chatwoot and the provider make of it, how much of it they take."""
