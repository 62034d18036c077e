"""What one order may ask for."""

LARGEST_QUANTITY = 1_000_000  # pieces in one line: more is a typing error
MOST_LINES = 100
