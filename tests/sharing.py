"""How several processes share the tests: those of a folder stay together, since they share what is slow to start; of the faults
those of one shop; and what is done with a lab, whatever its number."""

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

AT_ONE_SHOP = {"test_crashes.py", "test_storms.py", "test_deliveries.py", "test_reservations.py"}
"""Of the faults."""
OF_ONE_LAB = {"test_every_notebook.py", "test_mutants.py"}
"""Their tests have a lab, or a notebook, as parameter."""


class ByFolder(LoadScopeScheduling):
    """pytest-xdist's own, with other ideas of what belongs together."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        if path.suffix == ".ipynb":
            return str(path)
        if path.name in OF_ONE_LAB:
            return f"{path}, {nodeid.partition('[')[2]}"
        return f"{path.parent}, one shop" if path.name in AT_ONE_SHOP else str(path.parent)
