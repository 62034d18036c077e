"""The schema of the monolith, those of all its parts in one database: `python -m labs.services.monolith.migrate`."""

from labs.services.chassis.migrate import migrate
from labs.services.chassis.settings import Settings, load

PARTS = ("user", "inventory", "order", "notification")


def migrate_all(url: str) -> None:
    """Bring the database at `url` to the newest schema of every part. Each part keeps its own version."""
    for part in PARTS:
        migrate(part, url, versions=f"alembic_version_{part}")


if __name__ == "__main__":
    migrate_all(load(Settings).database_url)
