"""Orders."""

import sqlalchemy as sa
from alembic import op

from labs.services.chassis.schema import create_messaging_tables_v1, drop_messaging_tables_v1

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first schema."""
    op.create_table(
        "orders",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("customer_email", sa.String(254), nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
    )
    create_messaging_tables_v1(op)


def downgrade() -> None:
    """Back to nothing."""
    drop_messaging_tables_v1(op)
    op.drop_table("orders")
