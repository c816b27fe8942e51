"""What the tools for appointments are made of (docs/reference/tools.md)."""
