"""Lays the ground for every pytest here (tests/ground.py) and lets `pytest --nbval` run from any folder."""

from collections.abc import Iterator
from typing import Any

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where two processes share the tests."""
    from tests.sharing import ByFolder

    return ByFolder(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.option.collectonly and any(isinstance(item, IPyNbCell) for item in session.items):
        session.config.stash[GROUND].serve_notebooks()


@pytest.fixture(scope="session")
def ground(pytestconfig: pytest.Config) -> Iterator[Ground]:
    """This session's LAB_HOME with what notebooks share running in it."""
    laid = pytestconfig.stash[GROUND]
    laid.serve_notebooks()
    yield laid
