"""The tests of tests/services, against PostgreSQL."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from labs.classroom import books
from labs.classroom.ledger import judge
from labs.classroom.watching import until
from tests.services.test_bad_requests import *  # noqa: F403
from tests.services.test_behaviour import *  # noqa: F403
from tests.services.test_keeping import *  # noqa: F403

SERVICES = ("user", "inventory", "order", "notification", "outside")


def test_the_books_are_in_order_once_the_shop_rests(system):
    assert until(lambda: judge(read(system)).under_way == [] and read(system).waiting == 0, 30)
    assert judge(read(system)).wrong == {}


@pytest.mark.parametrize("neighbour", SERVICES)
@pytest.mark.parametrize("service", SERVICES)
def test_no_service_may_read_anothers_database(system, service, neighbour):
    own = system.database_url(service)
    there = own.rpartition("/")[0] + f"/{neighbour}"
    if service == neighbour:
        with create_engine(there).connect() as database:
            assert database.execute(text("SELECT 1")).scalar() == 1
    else:
        with pytest.raises(OperationalError, match="permission denied for database"):
            create_engine(there).connect()


def read(system):
    """The books of this system."""
    return books.read({store: system.database_url(store) for store in books.STORES})
