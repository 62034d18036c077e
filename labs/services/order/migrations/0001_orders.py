"""Orders with their sagas, our own book, shipments, prices, settlements."""

import sqlalchemy as sa
from alembic import op

from labs.services.chassis.schema import create_messaging_tables_v1, drop_messaging_tables_v1
from labs.services.chassis.schema.idempotency import create_idempotency_table_v1, drop_idempotency_table_v1

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first schema."""
    _orders()
    _books()
    create_idempotency_table_v1(op)
    create_messaging_tables_v1(op)


def downgrade() -> None:
    """Back to nothing."""
    drop_messaging_tables_v1(op)
    drop_idempotency_table_v1(op)
    for table in ("settlements", "known_prices", "shipments", "payments", "orders"):
        op.drop_table(table)


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("customer_id", sa.String(36), nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("card", sa.String(65), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("tracking_code", sa.String(40), nullable=False),
        sa.Column("missing", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("traceparent", sa.String(55), nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("back", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("doubt", sa.Boolean, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("ends_as", sa.String(20), nullable=False),
    )
    op.create_index("ix_orders_customer", "orders", ["customer_id", "position"])
    op.create_index("ix_orders_status", "orders", ["status", "position"])
    op.create_index("ix_orders_due", "orders", ["step", "due_at"])


def _books() -> None:
    op.create_table(
        "payments",
        sa.Column("key", sa.String(50), primary_key=True),
        sa.Column("order_id", sa.String(36), nullable=False, index=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("day", sa.String(10), nullable=False, index=True),
    )
    op.create_table(
        "shipments",
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("tracking_code", sa.String(40), nullable=False),
        sa.Column("shipped", sa.JSON, nullable=False),
        sa.Column("missing", sa.JSON, nullable=False),
        sa.Column("shipped_at", sa.Float, nullable=False),
    )
    op.create_table(
        "known_prices",
        sa.Column("sku", sa.String(40), primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "settlements",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("due_at", sa.Float, index=True),
        sa.Column("compared", sa.Integer, nullable=False),
        sa.Column("differences", sa.JSON, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("done_at", sa.Float),
    )
