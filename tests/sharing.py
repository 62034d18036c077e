"""How several processes share the tests: those of a folder stay together, since they share what is slow to start; of the faults
what is done to one shop; and what is done with a lab, whatever its number."""

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

AT_ONE_SHOP = {
    "test_crashes.py": "a shop that dies",
    "test_deliveries.py": "a shop that dies",
    "test_storms.py": "a shop in a storm",
    "test_reservations.py": "a shop in a storm",
}
"""Of the faults; two shops, since all of that to one after the other would be what the others wait for."""
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
        return f"{path.parent}, {AT_ONE_SHOP[path.name]}" if path.name in AT_ONE_SHOP else str(path.parent)
