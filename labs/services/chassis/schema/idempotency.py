"""The table of idempotency keys, frozen as version 1, for migrations of the services that take such keys."""

from typing import Any

import sqlalchemy as sa


def create_idempotency_table_v1(op: Any) -> None:
    """Answers by caller and key. A later change gets a function of its own: migrations that ran are never edited."""
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.JSON),
        sa.Column("created_at", sa.Float, nullable=False, index=True),
    )


def drop_idempotency_table_v1(op: Any) -> None:
    """The way back."""
    op.drop_table("idempotency_keys")
