"""A stand-in for mail providers: takes mails as SendGrid, Mailgun, SES and SMTP do, and shows them."""
