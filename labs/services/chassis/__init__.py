"""What every service needs and no service is about: settings, logs, health, database, events. Of the business it knows only
the shapes of values that services exchange."""
