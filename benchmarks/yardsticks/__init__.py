"""What the shop is compared with: programs that do much less, or do it in the common way."""
