"""SES on the local AWS: what a company has there, and the calls that the mail simulator passes on to it."""
