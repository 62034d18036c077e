"""Every service's migrations: there and back, and the tables that its code believes in."""

import importlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, inspect

import labs.services
from labs.services.chassis import idempotency, inbox, outbox
from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate

SERVICES = sorted(path.parent.name for path in Path(labs.services.__path__[0]).glob("*/migrations"))
KEYED = {"order", "outside"}
"""Those that take an Idempotency-Key."""


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
def test_the_code_believes_in_the_tables_that_the_migrations_make(service, url, tmp_path):
    store = importlib.import_module(f"labs.services.{service}.store")
    believed = MetaData()
    shared = [outbox.outbox, inbox.inbox, *([idempotency.idempotency_keys] if service in KEYED else [])]
    for metadata in (store.Base.metadata, *(table.metadata for table in shared)):
        for table in metadata.tables.values():
            table.to_metadata(believed)
    other = Database(f"sqlite:///{tmp_path}/believed.db")
    believed.create_all(other.engine)
    migrate(service, url)
    db = Database(url)
    made = described(db.engine)
    assert made.pop("alembic_version")
    assert made == described(other.engine)
    for each in (db, other):
        each.engine.dispose()


def described(engine: Engine) -> dict[str, Any]:
    """Columns, keys, indexes and constraints by table."""
    look = inspect(engine)
    return {
        table: {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in look.get_columns(table)],
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "indexes": sorted((i["name"], i["column_names"], i["unique"]) for i in look.get_indexes(table)),
            "unique": sorted(u["column_names"] for u in look.get_unique_constraints(table)),
            "checks": sorted(c["sqltext"] for c in look.get_check_constraints(table)),
        }
        for table in look.get_table_names()
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "there is no service 'nothing' under labs/services"),
        (("order", "sideways"), "direction must be upgrade or downgrade, not 'sideways'"),
        (("order", "upgrade", "9999"), "order: Can't locate revision identified by '9999'"),
    ],
)
def test_a_wrong_word_is_answered_in_words(url, arguments, words):
    with pytest.raises(SystemExit) as said:
        migrate(arguments[0], url, *arguments[1:])
    assert str(said.value) == words


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
