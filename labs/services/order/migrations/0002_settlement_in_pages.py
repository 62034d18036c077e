"""A settlement reads the provider's book page by page."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """What has come, and how far it goes; settlements that are done stay as they are."""
    op.add_column("settlements", sa.Column("after", sa.String(400)))
    op.add_column("settlements", sa.Column("complete", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("settlements", sa.Column("different", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "provider_entries",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """A settlement under way begins anew."""
    op.drop_table("provider_entries")
    for column in ("different", "complete", "after"):
        op.drop_column("settlements", column)
