from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    op.alter_column("shelves", "place", new_column_name="shelf")


def downgrade():
    op.alter_column("shelves", "shelf", new_column_name="place")
