"""Some columns of the table itself."""

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    op.execute('GRANT CONNECT ON DATABASE "order" TO loyalty')
    op.execute("GRANT SELECT (id, customer_id, amount, status) ON public.orders TO loyalty")


def downgrade():
    op.execute("REVOKE SELECT (id, customer_id, amount, status) ON public.orders FROM loyalty")
    op.execute('REVOKE CONNECT ON DATABASE "order" FROM loyalty')
