"""Catalogue, stock, reservations, batches."""

import sqlalchemy as sa
from alembic import op

from labs.services.chassis.schema import create_messaging_tables_v1, drop_messaging_tables_v1

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first schema."""
    _catalogue()
    _stock()
    _batches()
    create_messaging_tables_v1(op)


def downgrade() -> None:
    """Back to nothing."""
    drop_messaging_tables_v1(op)
    for table in (
        "stock_report_lines",
        "stock_reports",
        "price_import_failures",
        "price_imports",
        "reserved_lines",
        "reservations",
        "adjustments",
        "stock",
        "prices",
        "products",
    ):
        op.drop_table(table)


def _catalogue() -> None:
    op.create_table(
        "products",
        sa.Column("sku", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.String(2000), nullable=False),
        sa.Column("searched", sa.Text, nullable=False),
        sa.Column("amount", sa.Integer, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "prices",
        sa.Column("sku", sa.String(40), sa.ForeignKey("products.sku"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("amount", sa.Integer, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("since", sa.String(40), nullable=False),
        sa.Column("changed_by", sa.String(100), nullable=False),
    )


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("sku", sa.String(40), sa.ForeignKey("products.sku"), primary_key=True),
        sa.Column("available", sa.Integer, sa.CheckConstraint("available >= 0"), nullable=False),
        sa.Column("low_at", sa.Integer),
        sa.Column("low", sa.Boolean, nullable=False),
    )
    op.create_table(
        "adjustments",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("sku", sa.String(40), sa.ForeignKey("stock.sku"), nullable=False, index=True),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("adjusted_by", sa.String(100), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
    )
    op.create_table(
        "reservations",
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("shortages", sa.JSON, nullable=False),
        sa.Column("reserved_at", sa.Float, nullable=False),
        sa.Index("ix_reservations_due", "status", "reserved_at"),
    )
    op.create_table(
        "reserved_lines",
        sa.Column("order_id", sa.String(36), sa.ForeignKey("reservations.order_id"), primary_key=True),
        sa.Column("sku", sa.String(40), sa.ForeignKey("stock.sku"), primary_key=True),
        sa.Column("quantity", sa.Integer, nullable=False),
    )


def _batches() -> None:
    op.create_table(
        "price_imports",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("asked_by", sa.String(100), nullable=False),
        sa.Column("asked_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "price_import_failures",
        sa.Column("import_id", sa.String(36), sa.ForeignKey("price_imports.id"), primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("sku", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
    )
    op.create_table(
        "stock_reports",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("asked_at", sa.String(40), nullable=False),
        sa.Column("made_at", sa.String(40)),
    )
    op.create_table(
        "stock_report_lines",
        sa.Column("report_id", sa.String(36), sa.ForeignKey("stock_reports.id"), primary_key=True),
        sa.Column("sku", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("available", sa.Integer, nullable=False),
        sa.Column("low_at", sa.Integer, nullable=False),
    )
