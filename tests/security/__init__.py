"""What attackers try, and do not get."""
