"""What every service needs and no service is about: settings, logs, health, database, events. It knows no business word."""
