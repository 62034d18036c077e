"""Users, what they may do, the keys that sign their tokens, and failed logins."""

import sqlalchemy as sa
from alembic import op

from labs.services.chassis.schema import create_messaging_tables_v1, drop_messaging_tables_v1

revision, down_revision = "0001", None


def upgrade() -> None:
    """The first schema."""
    op.create_table(
        "users",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("phone", sa.String(16)),
        sa.Column("device_token", sa.String(200)),
        sa.Column("channels", sa.JSON, nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "grants",
        sa.Column("user_id", sa.String(36), sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("role", sa.String(20), primary_key=True),
    )
    op.create_table(
        "keys",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kid", sa.String(43), nullable=False, unique=True),
        sa.Column("public", sa.String(43), nullable=False),
        sa.Column("private", sa.String(200), nullable=False),
        sa.Column("signs_from", sa.Float, nullable=False),
    )
    op.create_table(
        "login_failures",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("moments", sa.JSON, nullable=False),
        sa.Column("last", sa.Float, nullable=False, index=True),
    )
    create_messaging_tables_v1(op)


def downgrade() -> None:
    """Back to nothing."""
    drop_messaging_tables_v1(op)
    for table in ("login_failures", "keys", "grants", "users"):
        op.drop_table(table)
