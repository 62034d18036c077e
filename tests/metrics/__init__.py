"""What is measured, how it is scraped and summed up, when it rings."""
