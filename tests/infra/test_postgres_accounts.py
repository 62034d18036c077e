"""Who may do what in PostgreSQL: a service everything in its own database, and nothing anywhere else."""

import subprocess

import pytest
from sqlalchemy import URL
from sqlalchemy.exc import OperationalError, ProgrammingError

from labs.infra.postgres.provision import Account, connected, prepare
from tests.infra.nodes import run_module
from tests.postgres import ask

PROVISION = "labs.infra.postgres.provision"


def of(server: URL, account: Account, database: str = "") -> URL:
    """How a role comes to its database, or tries to come to another."""
    return server.set(username=account.role, password=account.password, database=database or account.database)


@pytest.fixture(scope="module")
def accounts(postgresql: URL) -> list[Account]:
    """Of two services whose names are words of SQL; the server has them, asked twice."""
    made = [Account("order", "o' --", "order"), Account("user", 'u"%(x)s', "user")]
    with connected(postgresql, 10) as server:
        prepare(server, made)
        prepare(server, made)
    return made


def test_a_service_owns_its_database(postgresql: URL, accounts: list[Account]) -> None:
    for account in accounts:
        url = of(postgresql, account)
        ask(url, "CREATE TABLE IF NOT EXISTS mine (id INTEGER)")

        assert ask(url, "SELECT current_user") == account.role
        assert ask(url, "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'") == account.role


@pytest.mark.parametrize("database", ["user", "postgres", "template1"])
def test_a_service_may_not_even_connect_to_anothers_database(
    postgresql: URL, accounts: list[Account], database: str
) -> None:
    with pytest.raises(OperationalError, match=f'permission denied for database "{database}"'):
        ask(of(postgresql, accounts[0], database), "SELECT 1")


@pytest.mark.parametrize(
    "forbidden",
    ["CREATE ROLE friend", "ALTER ROLE \"user\" PASSWORD 'known'", "SELECT pg_read_file('/etc/hostname')"],
)
def test_a_service_has_no_power_over_the_server(postgresql: URL, accounts: list[Account], forbidden: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must (be|have)"):
        ask(of(postgresql, accounts[0]), forbidden)


def test_nobody_comes_in_with_another_password(postgresql: URL, accounts: list[Account]) -> None:
    with pytest.raises(OperationalError, match="password authentication failed"):
        ask(of(postgresql, accounts[0]).set(password="x"), "SELECT 1")


def test_a_new_password_replaces_the_old_one(postgresql: URL) -> None:
    old, new = Account("renewed", "old", "renewed"), Account("renewed", "new", "renewed")
    with connected(postgresql, 10) as server:
        prepare(server, [old])
        prepare(server, [new])

    assert ask(of(postgresql, new), "SELECT 1") == 1
    with pytest.raises(OperationalError, match="password authentication failed"):
        ask(of(postgresql, old), "SELECT 1")


def setup(postgresql: URL, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What postgres-setup does."""
    usual = {
        "POSTGRES_SERVER": f"{postgresql.host}:{postgresql.port}",
        "POSTGRES_USER": str(postgresql.username),
        "POSTGRES_PASSWORD": str(postgresql.password),
    }
    return run_module(PROVISION, **{**usual, **environment})


def test_databases_are_made_for_the_urls_that_services_get(postgresql: URL) -> None:
    url = postgresql.set(username="stock", password="p@ss/word", database="stock")
    wanted = url.render_as_string(hide_password=False)
    done = setup(postgresql, DATABASE_STOCK=wanted, DATABASE_FILE="sqlite:////var/lib/file.db", DATABASE_NONE="")

    assert (done.returncode, done.stdout, done.stderr) == (0, "Databases: stock\n", "")
    assert ask(url, "SELECT current_database()") == "stock"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"POSTGRES_SERVER": ""}, "POSTGRES_SERVER is not set"),
        ({"POSTGRES_PASSWORD": "x"}, "does not take the password of 'postgres'"),
    ],
)
def test_what_keeps_it_from_preparing_is_said(postgresql: URL, wrong: dict[str, str], words: str) -> None:
    done = setup(postgresql, **wrong)

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
