"""Stock and reservations."""

import sqlalchemy as sa
from alembic import op

from labs.services.chassis.schema import create_messaging_tables_v1, drop_messaging_tables_v1

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first schema."""
    op.create_table(
        "stock",
        sa.Column("sku", sa.String(40), primary_key=True),
        sa.Column("available", sa.Integer, sa.CheckConstraint("available >= 0"), nullable=False),
    )
    op.create_table(
        "reservations",
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("sku", sa.String(40), primary_key=True),
        sa.Column("quantity", sa.Integer, nullable=False),
    )
    create_messaging_tables_v1(op)


def downgrade() -> None:
    """Back to nothing."""
    drop_messaging_tables_v1(op)
    op.drop_table("reservations")
    op.drop_table("stock")
