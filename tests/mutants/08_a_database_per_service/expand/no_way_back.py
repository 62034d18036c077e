import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    op.add_column("shelves", sa.Column("shelf", sa.String(20)))


def downgrade():
    pass
