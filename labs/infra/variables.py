"""What `${…}` in docker-compose.yml stands for: what is given, secrets that are made up, and the addresses of databases."""

import secrets
from collections.abc import Iterator, Mapping

GENERATED = {"PASSWORD_": 18, "SECRET_": 32}
"""How variables begin that are made up on first use, and of how many random bytes."""
DATABASE = "DATABASE_"
POSTGRES = "postgres:5432"
"""Where PostgreSQL is, in the file's own words."""


class Variables(Mapping[str, str]):
    """The given ones, and for every PASSWORD_… and SECRET_… one made on first use. With `postgresql` every DATABASE_… is the
    SQLAlchemy URL of a database of that service's own; without it there are none, and the file's defaults are SQLite."""

    def __init__(self, *, postgresql: bool = False, **given: str) -> None:
        self._postgresql, self._values = postgresql, dict(given)

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            self._values[name] = self._made(name)
        return self._values[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._values[name] = value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def update(self, given: Mapping[str, str]) -> None:
        """Set several."""
        self._values.update(given)

    def secrets(self) -> dict[str, str]:
        """Those that are made up, or were given in place of it."""
        return {name: value for name, value in self._values.items() if name.startswith(tuple(GENERATED))}

    def databases(self) -> dict[str, str]:
        """The URLs by their variables, of those that were asked for."""
        return {name: value for name, value in self._values.items() if name.startswith(DATABASE)}

    def _made(self, name: str) -> str:
        for prefix, length in GENERATED.items():
            if name.startswith(prefix):
                return secrets.token_urlsafe(length)
        if name.startswith(DATABASE) and self._postgresql:
            service = name.removeprefix(DATABASE).lower()
            return f"postgresql+psycopg2://{service}:{self[f'PASSWORD_{name}']}@{POSTGRES}/{service}"
        raise KeyError(name)
