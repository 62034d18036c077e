"""What the processes of a system said: their files, questions to them in SQL, and how `lab logs` shows it."""
