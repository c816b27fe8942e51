"""What the functions are made of; nothing in here knows Lambda events."""
