import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    op.add_column("shelves", sa.Column("shelf", sa.String(20)))
    op.execute("UPDATE shelves SET shelf = place")
    op.drop_column("shelves", "place")


def downgrade():
    op.add_column("shelves", sa.Column("place", sa.String(20)))
    op.execute("UPDATE shelves SET place = shelf")
    op.drop_column("shelves", "shelf")
