"""Notifications."""

import sqlalchemy as sa
from alembic import op

from labs.services.chassis.schema import create_messaging_tables_v1, drop_messaging_tables_v1

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first schema."""
    op.create_table(
        "notifications",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("order_id", sa.String(36), nullable=False, index=True),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False, index=True),
    )
    create_messaging_tables_v1(op)


def downgrade() -> None:
    """Back to nothing."""
    drop_messaging_tables_v1(op)
    op.drop_table("notifications")
