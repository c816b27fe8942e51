"""The mind: reads what a customer wrote, thinks with a model and tools, returns what it wants as values."""
