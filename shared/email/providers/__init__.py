"""Who carries e-mails: one module per vendor behind one contract."""
