"""Outbox and inbox alone: the schema of a service that brings no migrations of its own."""

from alembic import op

from labs.services.chassis.schema import create_messaging_tables_v1, drop_messaging_tables_v1

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first schema."""
    create_messaging_tables_v1(op)


def downgrade() -> None:
    """Back to nothing."""
    drop_messaging_tables_v1(op)
