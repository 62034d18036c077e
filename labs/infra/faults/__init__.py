"""What can be broken or made slow in a system that runs, on purpose: one table of names, and who switches them."""


class FaultError(Exception):
    """A fault cannot be seen, set or cleared; the message says why and what to do next."""
