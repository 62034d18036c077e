"""The world beyond the shop, as real as a laptop allows: an SMTP inbox whose mails can be read back."""
