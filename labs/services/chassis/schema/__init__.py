"""What migrations of all services share: the tables of outbox and inbox, frozen as version 1."""

from typing import Any

import sqlalchemy as sa


def create_messaging_tables_v1(op: Any) -> None:
    """Outbox and inbox, unless another part of a monolith has made them. A later change gets a function of its own:
    migrations that ran are never edited."""
    if sa.inspect(op.get_bind()).has_table("outbox"):
        return
    op.create_table(
        "outbox",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(36), nullable=False, unique=True),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("traceparent", sa.String(55), nullable=False),
        sa.Column("time", sa.String(40), nullable=False),
        sa.Column("needed", sa.Boolean, nullable=False),
        sa.Column("sent_at", sa.Float, index=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("error", sa.String(300)),
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(200), primary_key=True),
        sa.Column("event_id", sa.String(36), primary_key=True),
        sa.Column("received_at", sa.Float, nullable=False, index=True),
    )


def drop_messaging_tables_v1(op: Any) -> None:
    """The way back."""
    op.drop_table("inbox")
    op.drop_table("outbox")
