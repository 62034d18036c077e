"""What inventory-service answers, by what it is about; api.py puts it together."""
