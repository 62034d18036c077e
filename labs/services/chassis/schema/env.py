"""Alembic's environment for every service: the migrations come from the service, the connection from chassis.migrate."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
