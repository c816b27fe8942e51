"""Dead letters: records what was given up and tells a person."""
