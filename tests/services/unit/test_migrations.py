"""Every service's migrations: there and back, and the tables that its code believes in."""

import importlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, inspect

import labs.services
from labs.services.chassis import inbox, outbox
from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate

SERVICES = sorted(path.parent.name for path in Path(labs.services.__path__[0]).glob("*/migrations"))


def tables(url: str) -> set[str]:
    """Without Alembic's own."""
    db = Database(url)
    found = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
    db.engine.dispose()
    return found


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/service.db"


def test_there_are_services():
    assert {"order", "inventory", "notification"} <= set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_up_down_and_up_again(service, url):
    migrate(service, url)
    there = tables(url)
    assert {"outbox", "inbox"} < there
    migrate(service, url, "downgrade")
    assert tables(url) == set()
    migrate(service, url)
    assert tables(url) == there
    migrate(service, url)
    assert tables(url) == there


@pytest.mark.parametrize("service", SERVICES)
def test_the_code_believes_in_the_tables_that_the_migrations_make(service, url):
    store = importlib.import_module(f"labs.services.{service}.store")
    believed = MetaData()
    for metadata in (store.Base.metadata, outbox.outbox.metadata, inbox.inbox.metadata):
        for table in metadata.tables.values():
            table.to_metadata(believed)
    migrate(service, url)
    db = Database(url)
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), believed)
    db.engine.dispose()
    assert differences == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "there is no service 'nothing' under labs/services"),
        (("order", "sideways"), "direction must be upgrade or downgrade, not 'sideways'"),
        (("order", "upgrade", "9999"), "order: Can't locate revision identified by '9999'"),
    ],
)
def test_a_wrong_word_is_answered_in_words(url, arguments, words):
    environment = {**os.environ, "SERVICE": "x", "DATABASE_URL": url}
    command = [sys.executable, "-m", "labs.services.chassis.migrate", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.strip()) == (1, words)


def test_a_migration_that_fails_leaves_everything_as_it_was(url, tmp_path, monkeypatch):
    service = tmp_path / "half"
    (service / "migrations").mkdir(parents=True)
    (service / "__init__.py").touch()
    monkeypatch.setattr(labs.services, "__path__", [*labs.services.__path__, str(tmp_path)])
    first = "from alembic import op\nrevision, down_revision = '0001', None\n"
    (service / "migrations" / "0001_fine.py").write_text(
        first + "def upgrade(): op.execute('CREATE TABLE kept (x INTEGER)')\ndef downgrade(): ...\n"
    )
    migrate("half", url)
    second = "from alembic import op\nrevision, down_revision = '0002', '0001'\n"
    (service / "migrations" / "0002_broken.py").write_text(
        second + "def upgrade():\n    op.execute('CREATE TABLE more (x INTEGER)')\n    op.execute('DROP TABLE kept')\n"
        "    raise RuntimeError('half way')\ndef downgrade(): ...\n"
    )
    with pytest.raises(RuntimeError, match="half way"):
        migrate("half", url)
    assert tables(url) == {"kept"}
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
