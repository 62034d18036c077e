"""Every notebook from top to bottom by papermill. Slow; plain `pytest` leaves it out."""
