"""What customers send besides words: telling what it is, hearing it, looking at it."""
