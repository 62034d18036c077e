"""Migrations of one service begun twice at the same moment, as by two replicas of it."""

import subprocess
import sys

from sqlalchemy import create_engine, inspect


def test_two_at_once_make_one_schema(database_url):
    command = [sys.executable, "-m", "labs.services.chassis.migrate", "order"]
    settings = {"SERVICE": "order-service", "DATABASE_URL": database_url}
    runs = [subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [run.communicate(timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0, 0], said
    engine = create_engine(database_url)
    assert {"orders", "outbox", "inbox", "alembic_version"} <= set(inspect(engine).get_table_names())
    engine.dispose()
