"""The words of e-mails: Frontdesk's own in three languages, and a company's in their place."""
