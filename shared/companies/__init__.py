"""Who we work for: the company's document, its connection to Chatwoot, API keys and audit."""
