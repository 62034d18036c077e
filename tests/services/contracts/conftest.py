"""The contracts as the code makes them now."""

from typing import Any

import pytest

from labs.infra.contracts import describing


@pytest.fixture(scope="package")
def made() -> dict[str, Any]:
    """Every document by its name; it takes some seconds, for each service is asked in a process of its own."""
    return describing.documents()
