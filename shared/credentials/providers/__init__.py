"""OAuth providers as data: one module each, known to the registry alone."""
