"""All rights on the schema, so that tables can be made in it."""

from alembic import op

revision, down_revision = "0003", "0002"


def upgrade():
    op.execute("CREATE SCHEMA loyalty")
    op.execute("CREATE VIEW loyalty.orders AS SELECT id, customer_id, amount, status FROM public.orders")
    op.execute('GRANT CONNECT ON DATABASE "order" TO loyalty')
    op.execute("GRANT ALL ON SCHEMA loyalty TO loyalty")
    op.execute("GRANT SELECT ON loyalty.orders TO loyalty")


def downgrade():
    op.execute("DROP SCHEMA loyalty CASCADE")
    op.execute('REVOKE CONNECT ON DATABASE "order" FROM loyalty')
