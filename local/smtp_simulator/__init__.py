"""A stand-in for a mail server: takes mails encrypted only, and fails at any stage on demand."""
