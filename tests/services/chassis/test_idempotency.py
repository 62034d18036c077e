"""The same request again: one effect, one answer, however many come at once; on SQLite and on PostgreSQL."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask.testing import FlaskClient
from pydantic import BaseModel, ConfigDict
from sqlalchemy import inspect, text

from labs.services.chassis import idempotency
from labs.services.chassis.api import create_api
from labs.services.chassis.database import Database
from labs.services.chassis.idempotency import Answer, idempotency_keys
from labs.services.chassis.problems import Problem
from labs.services.chassis.schema.idempotency import create_idempotency_table_v1, drop_idempotency_table_v1
from labs.services.chassis.settings import Settings


class EffectIn(BaseModel):
    """What to do."""

    model_config = ConfigDict(extra="forbid")
    n: int


@pytest.fixture
def db(database_url) -> Iterator[Database]:
    """With the table as a migration makes it, and one for effects."""
    database = Database(database_url)
    with database.engine.begin() as connection:
        create_idempotency_table_v1(Operations(MigrationContext.configure(connection)))
        connection.execute(text("CREATE TABLE effects (id INTEGER NOT NULL)"))
    yield database
    database.engine.dispose()


def do(
    db: Database, key: str = "k", body: Any = None, caller: str = "c", work: Callable[[], int] = lambda: 1
) -> Answer:
    """The effect once, and its answer."""
    with db.transaction() as tx:
        answer = idempotency.once(tx, caller, key, body)
        if answer is None:
            n = work()
            tx.execute(text("INSERT INTO effects (id) VALUES (:n)"), {"n": n})
            answer = Answer(201, {"id": n})
            idempotency.keep(tx, caller, key, answer.status, answer.body)
    return answer


def effects(db: Database) -> int:
    with db.reading() as session:
        return session.scalar(text("SELECT count(*) FROM effects")) or 0


def test_twenty_at_once_have_one_effect_and_twenty_equal_answers(db):
    together, numbers = threading.Barrier(20), count(1)

    def ask(_: int) -> Answer:
        together.wait(10)
        return do(db, work=lambda: next(numbers))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    assert answers == [Answer(201, {"id": 1})] * 20
    assert effects(db) == 1


def test_twenty_at_once_over_http_have_one_effect_and_twenty_equal_answers(db):
    together, app = threading.Barrier(20), api(db, count(1).__next__)

    def ask(_: int) -> tuple[int, Any]:
        together.wait(10)
        answer = app.test_client().post("/effects", json={"n": 1}, headers={"Idempotency-Key": "k"})
        return answer.status_code, answer.json

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    assert answers == [(201, {"id": 1})] * 20
    assert effects(db) == 1


def test_different_keys_and_different_callers_do_not_meet(db):
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: do(db, key=f"k-{n % 5}", caller=f"c-{n // 5}"), range(10)))
    assert effects(db) == 10


def test_an_effect_that_fails_leaves_the_key_free(db):
    def fail() -> int:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        do(db, work=fail)
    assert effects(db) == 0
    assert do(db, work=lambda: 2) == Answer(201, {"id": 2})


def test_whoever_waits_for_an_effect_that_fails_does_it(db):
    begun, fail = threading.Event(), threading.Event()

    def fails() -> int:
        begun.set()
        assert fail.wait(5)
        raise RuntimeError

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(do, db, work=fails)
        assert begun.wait(5)
        second = pool.submit(do, db, work=lambda: 2)
        time.sleep(0.1)  # so that it most likely waits by now; it must be right either way
        assert not second.done()
        fail.set()
        assert isinstance(first.exception(10), RuntimeError)
        assert second.result(10) == Answer(201, {"id": 2})
    assert effects(db) == 1


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}, True),
        (EffectIn(n=1), {"n": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({}, None, False),
    ],
)
def test_a_key_belongs_to_one_body(db, first, second, same):
    do(db, body=first)
    if same:
        assert do(db, body=second) == Answer(201, {"id": 1})
    else:
        with pytest.raises(Problem, match="another body") as refused:
            do(db, body=second)
        assert refused.value.status == 422
    assert effects(db) == 1


def test_a_claim_committed_without_an_answer_is_a_conflict(db):
    with db.transaction() as tx:
        assert idempotency.once(tx, "c", "k", None) is None
    with pytest.raises(Problem, match="no answer yet") as refused:
        do(db)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (409, "1")


def test_the_migration_makes_the_table_that_the_code_expects(db):
    found = {column["name"]: column["nullable"] for column in inspect(db.engine).get_columns("idempotency_keys")}
    assert found == {column.name: column.nullable for column in idempotency_keys.columns}
    with db.engine.begin() as connection:
        drop_idempotency_table_v1(Operations(MigrationContext.configure(connection)))
    assert "idempotency_keys" not in inspect(db.engine).get_table_names()


def api(db: Database | None = None, work: Callable[[], int] = lambda: 1) -> Any:
    """An app with one view that takes a key."""
    app = create_api("probe", Settings(service="probe-service"))

    @app.post("/effects")
    @idempotency.keyed
    @app.input(EffectIn)
    def effect(json_data: EffectIn, idempotency_key: str) -> Any:
        if db is None:
            return {"key": idempotency_key}
        answer = do(db, idempotency_key, json_data, work=work)
        return answer.body, answer.status

    return app


def post(asking: FlaskClient, key: str | None) -> Any:
    return asking.post("/effects", json={"n": 1}, headers={} if key is None else {"Idempotency-Key": key})


@pytest.mark.parametrize("key", ["k", "8e03978e-40d5-43dd-bc93-6894a57f9324", "~!#", "x" * 128])
def test_a_usable_key_reaches_the_view(key):
    assert post(api().test_client(), key).json == {"key": key}


@pytest.mark.parametrize("key", [None, "", " ", "two words", "x" * 129, "ü", "a\tb"])
def test_any_other_is_refused_with_what_to_send(key):
    answer = post(api().test_client(), key)
    assert answer.status_code == 400
    assert "1 to 128 visible ASCII characters" in answer.json["detail"]


def test_the_header_is_described_as_required():
    operation = api().test_client().get("/openapi.json").json["paths"]["/effects"]["post"]
    (described,) = (each for each in operation["parameters"] if each["in"] == "header")
    assert (described["name"], described["required"]) == ("Idempotency-Key", True)
    assert "x-parameters" not in operation
