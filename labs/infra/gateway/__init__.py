"""The gateway: one address in front of the shop, and who answers behind it."""


class RouteError(Exception):
    """A route cannot be seen or changed; the message says why and what to do next."""
