"""No view at all: the table itself may be read."""

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    op.execute('GRANT CONNECT ON DATABASE "order" TO loyalty')
    op.execute("GRANT SELECT ON public.orders TO loyalty")


def downgrade():
    op.execute("REVOKE SELECT ON public.orders FROM loyalty")
    op.execute('REVOKE CONNECT ON DATABASE "order" FROM loyalty')
