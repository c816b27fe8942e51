"""What the model may call, one module a tool (docs/reference/tools.md)."""
