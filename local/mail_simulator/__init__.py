"""A stand-in for mail providers: takes mails as SendGrid, Mailgun, SES and SMTP servers do, and shows them."""
