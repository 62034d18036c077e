"""Alembic's environment for every service: the migrations come from the service, the connection from chassis.migrate."""

from alembic import context

given = context.config.attributes
context.configure(connection=given["connection"], version_table=given["versions"], transactional_ddl=False)
context.run_migrations()
