import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    op.add_column("shelves", sa.Column("shelf", sa.String(20)))


def downgrade():
    op.drop_column("shelves", "place")
    op.alter_column("shelves", "shelf", new_column_name="old_shelf")
