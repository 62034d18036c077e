"""What a login sees and may do, who waits for whom, and what a lab is told of it; on a PostgreSQL of the tests' own."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import ProgrammingError

from labs.classroom import neighbours, watching
from labs.classroom.sessions import Refused, Session, behind
from labs.classroom.slips import Slip
from labs.infra.postgres.provision import Account, connected, prepare
from labs.infra.variables import Variables

OWNER, NEIGHBOUR = Account("shelf", "s", "shelf"), Account("visitor", "v", "visitor")
SERVICE = "SELECT note FROM jars"
"""What a service of the owner asks meanwhile."""
QUEUED = "SELECT count(*) AS changes FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"


def at(server: URL, who: Account, database: str = "") -> str:
    """The URL of a login at its own database, or at another one."""
    url = server.set(username=who.role, password=who.password, database=database or who.database)
    return url.render_as_string(hide_password=False)


@pytest.fixture
def owner(postgresql: URL) -> Iterator[Session]:
    """Who has a table with two rows."""
    with connected(postgresql, 10) as server:
        prepare(server, [OWNER, NEIGHBOUR])
        server.execute(text("GRANT CONNECT ON DATABASE shelf TO visitor"))
    session = Session(at(postgresql, OWNER))
    session.run("DROP TABLE IF EXISTS jars", "CREATE TABLE jars (note TEXT)", "INSERT INTO jars VALUES ('a'), ('b')")
    yield session
    with connected(postgresql, 10) as server:
        server.execute(text("REVOKE CONNECT ON DATABASE shelf FROM visitor"))


def test_a_session_asks_and_changes(owner: Session) -> None:
    assert owner.rows("SELECT note FROM jars WHERE note = :note", note="b") == [{"note": "b"}]
    assert owner.run("UPDATE jars SET note = :note", note="c") == 2
    assert owner.run("ALTER TABLE jars ADD COLUMN sealed BOOLEAN") is None


def test_statements_count_together_or_not_at_all(owner: Session) -> None:
    with pytest.raises(ProgrammingError, match="does not exist"):
        owner.run("DELETE FROM jars", "DELETE FROM shelves")

    assert len(owner.rows("SELECT note FROM jars")) == 2


def test_what_a_login_may_not_do_is_said_in_the_databases_own_words(owner: Session, postgresql: URL) -> None:
    visitor = Session(at(postgresql, NEIGHBOUR, "shelf"))
    with pytest.raises(Refused, match=r"^permission denied for table jars$"):
        visitor.rows("SELECT note FROM jars")
    with pytest.raises(Refused, match=r"^must be owner of table jars$"):
        visitor.run("ALTER TABLE jars ADD COLUMN mine TEXT")
    owner.run("GRANT SELECT ON jars TO visitor")

    assert visitor.rows("SELECT count(*) AS jars FROM jars") == [{"jars": 2}]


def test_who_may_not_connect_is_told_so_without_an_address(owner: Session, postgresql: URL) -> None:  # noqa: ARG001
    stranger = Session(at(postgresql, OWNER, "visitor"))
    with pytest.raises(Refused, match=r'^permission denied for database "visitor"$'):
        stranger.rows("SELECT 1")

    assert stranger.refusal("SELECT 1") == 'permission denied for database "visitor"'


def test_what_was_only_tried_leaves_nothing_behind(owner: Session) -> None:
    assert owner.refusal("DELETE FROM jars") == ""
    assert owner.refusal("DELETE FROM shelves") == 'relation "shelves" does not exist'

    assert len(owner.rows("SELECT note FROM jars")) == 2


def service(url: str, customers: int) -> list[threading.Thread]:
    """So many customers of a service with this login, each of whom looks into the table."""

    def look() -> None:
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execute(text(SERVICE))
        engine.dispose()

    looking = [threading.Thread(target=look) for _ in range(customers)]
    for customer in looking:
        customer.start()
    return looking


def test_a_change_waits_for_who_only_reads_and_all_others_wait_behind_it(owner: Session, postgresql: URL) -> None:
    owner.run("GRANT SELECT ON jars TO visitor")
    reader, customers = Session(at(postgresql, NEIGHBOUR, "shelf")), list[threading.Thread]()

    def come() -> None:
        watching.until(lambda: reader.rows(QUEUED)[0]["changes"], 5)
        customers.extend(service(at(postgresql, OWNER), 3))

    change = "ALTER TABLE jars ADD COLUMN sealed BOOLEAN"
    assert behind(reader, SERVICE, owner, change, come, enough=3) == ["SELECT"] * 3

    for customer in customers:
        customer.join(10)
    assert not any(customer.is_alive() for customer in customers), "they go on when the reader is done"
    assert owner.rows("SELECT sealed FROM jars") == [{"sealed": None}] * 2
    assert owner.waiting() == []


def test_nobody_waits_for_who_reads_elsewhere(owner: Session, postgresql: URL) -> None:
    elsewhere = Session(at(postgresql, NEIGHBOUR))

    def come() -> None:
        for customer in service(at(postgresql, OWNER), 3):
            customer.join(10)

    assert behind(elsewhere, "SELECT 1", owner, "ALTER TABLE jars ADD COLUMN sealed BOOLEAN", come) == []


def test_what_is_wrong_with_the_change_is_raised(owner: Session, postgresql: URL) -> None:
    with pytest.raises(ProgrammingError, match="does not exist"):
        behind(Session(at(postgresql, NEIGHBOUR)), "SELECT 1", owner, "DROP TABLE shelves", lambda: None)


# --- what a lab does with it ------------------------------------------------------------------------------------------


def fake_system(postgresql: URL, **more: Any) -> Any:
    """As far as logins are concerned."""
    address = f"{postgresql.host}:{postgresql.port}"
    passwords = {"PASSWORD_POSTGRES": str(postgresql.password), "PASSWORD_DATABASE_SHELF": OWNER.password}
    variables = Variables(postgresql=True, **passwords)
    return SimpleNamespace(address=lambda _: address, variables=variables, profiles={"postgres"}, **more)


@pytest.mark.usefixtures("owner")
def test_a_lab_opens_a_database_as_its_service_or_as_the_administrator(postgresql: URL) -> None:
    system, who = fake_system(postgresql), "SELECT current_user || ' at ' || current_database() AS who"
    found = [
        Session(neighbours.login(system, *login)).rows(who)[0]["who"]
        for login in (("shelf",), ("postgres",), ("postgres", "shelf"))
    ]
    assert found == ["shelf at shelf", "postgres at postgres", "postgres at shelf"]


def test_files_have_no_logins(postgresql: URL) -> None:
    system = fake_system(postgresql)
    system.profiles = set()
    with pytest.raises(Slip, match='databases="postgresql"'):
        neighbours.login(system, "shelf")


def test_a_lab_looks_into_the_rows_of_a_service_and_changes_none(owner: Session, postgresql: URL) -> None:
    system = fake_system(postgresql, database_url=lambda _: at(postgresql, OWNER))
    assert watching.rows(system, "shelf", "SELECT note FROM jars WHERE note = ? AND note LIKE 'a%'", "a") == [
        {"note": "a"}
    ]
    assert watching.rows(system, "shelf", "SELECT count(*) AS n FROM jars WHERE note LIKE '%'") == [{"n": 2}]
    with pytest.raises(Exception, match="read-only transaction"):
        watching.rows(system, "shelf", "DELETE FROM jars RETURNING note")

    assert len(owner.rows("SELECT note FROM jars")) == 2
