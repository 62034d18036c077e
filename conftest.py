"""Lays the ground for every pytest here (tests/ground.py) and lets `pytest --nbval` run from any folder."""

from collections.abc import Iterator

import pytest
from nbval.plugin import IPyNbCell

from tests.ground import Ground

pytest_plugins = ["tests.postgres"]
GROUND = pytest.StashKey[Ground]()


def pytest_configure(config: pytest.Config) -> None:
    ground = config.stash[GROUND] = Ground(apart=hasattr(config, "workerinput"))
    config.add_cleanup(ground.close)
    if sanitize := config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(config.rootpath / sanitize)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Where two processes share the tests, those of a folder stay together: they share what is slow to start. Of the faults,
    those of one shop."""
    folder = item.path.relative_to(item.config.rootpath).parts[1]
    at_one_shop = folder == "faults" and "system" in getattr(item, "fixturenames", ())
    item.add_marker(pytest.mark.xdist_group(f"{folder} of one shop" if at_one_shop else folder))


def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.option.collectonly and any(isinstance(item, IPyNbCell) for item in session.items):
        session.config.stash[GROUND].serve_notebooks()


@pytest.fixture(scope="session")
def ground(pytestconfig: pytest.Config) -> Iterator[Ground]:
    """This session's LAB_HOME with what notebooks share running in it."""
    laid = pytestconfig.stash[GROUND]
    laid.serve_notebooks()
    yield laid
