"""E-mail: messages, templates, delivery, and what became of them."""
