"""What the processes of a system said: their files, questions to them in SQL, and how `lab logs` shows it."""


class NoLogs(Exception):
    """There is nothing to ask; the message says why."""


class BadQuestion(Exception):
    """A query that cannot be answered; the message is the database's own."""
