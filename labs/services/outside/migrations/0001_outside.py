"""The books of the outside world."""

import sqlalchemy as sa
from alembic import op

from labs.services.chassis.schema import create_messaging_tables_v1, drop_messaging_tables_v1
from labs.services.chassis.schema.idempotency import create_idempotency_table_v1, drop_idempotency_table_v1

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first schema."""
    op.create_table(
        "charges",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(128), nullable=False, unique=True),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False, index=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("refunded", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Float, nullable=False, index=True),
        sa.CheckConstraint("refunded >= 0 AND refunded <= amount"),
    )
    op.create_table(
        "refunds",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("charge_key", sa.String(128), nullable=False, index=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Float, nullable=False, index=True),
    )
    op.create_table(
        "shipments",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("tracking_code", sa.String(36), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False, index=True),
        sa.Column("shipped", sa.JSON, nullable=False),
        sa.Column("missing", sa.JSON, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "mails",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("to", sa.String(1000), nullable=False, index=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("order_id", sa.String(1000), nullable=False, index=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("gateway", sa.String(20), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("to", sa.String(300), nullable=False, index=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "faults",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("every", sa.Integer, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
    )
    create_messaging_tables_v1(op)
    create_idempotency_table_v1(op)


def downgrade() -> None:
    """Back to nothing."""
    drop_idempotency_table_v1(op)
    drop_messaging_tables_v1(op)
    for table in ("faults", "messages", "mails", "shipments", "refunds", "charges"):
        op.drop_table(table)
