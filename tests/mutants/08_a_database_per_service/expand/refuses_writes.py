import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    with op.batch_alter_table("shelves") as shelves:
        shelves.add_column(sa.Column("shelf", sa.String(20), nullable=False, server_default="?"))
    with op.batch_alter_table("shelves") as shelves:
        shelves.alter_column("shelf", server_default=None)


def downgrade():
    op.drop_column("shelves", "shelf")
