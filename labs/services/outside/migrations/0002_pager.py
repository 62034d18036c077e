"""The pager of whoever is on call."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """One table more."""
    op.create_table(
        "pages",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("began_at", sa.Float, nullable=False),
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False, index=True),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("annotations", sa.JSON, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("resolved_heard_at", sa.Float),
        sa.Column("heard", sa.Integer, nullable=False),
        sa.UniqueConstraint("fingerprint", "began_at"),
    )


def downgrade() -> None:
    """Without it."""
    op.drop_table("pages")
