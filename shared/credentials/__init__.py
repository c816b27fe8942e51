"""What lets the desk act for a company: tokens and secrets, encrypted at rest."""
