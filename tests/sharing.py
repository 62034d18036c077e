"""How two processes share the tests: those of a folder stay together, since they share what is slow to start; and of the faults
those of one shop."""

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

AT_ONE_SHOP = {"test_crashes.py", "test_storms.py", "test_deliveries.py", "test_reservations.py"}
"""Of the faults."""


class ByFolder(LoadScopeScheduling):
    """pytest-xdist's own, with other ideas of what belongs together."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        folder = path.parts[1]
        return f"{folder}, one shop" if path.name in AT_ONE_SHOP else folder
