"""A stand-in for mail providers: takes mails as SendGrid, Mailgun and an SMTP server do, and shows them."""
