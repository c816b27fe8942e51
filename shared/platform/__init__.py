"""Tools that know nothing of the product: clock, errors, settings, tables, http, logs and metrics."""
