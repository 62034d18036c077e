"""The pacts that are kept in labs/services/contracts/pacts, and what consumers write today."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from labs.infra.contracts import keeping
from labs.services.chassis.database import Database
from labs.services.chassis.migrate import migrate
from tests.services.contracts.pacts import asking, hearing

FOLDER = keeping.FOLDER / keeping.PACTS
HTTP, MESSAGES = "http", "messages"
AGAIN = "python -m tests.services.contracts.pacts"


def write(folder: Path) -> None:
    """Every consumer writes what it needs into `folder`, where nothing else stays. Raises what a consumer raises that cannot
    live on what it asks for."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for kind in (HTTP, MESSAGES):
            (scratch / kind).mkdir()
        for number, ask in enumerate(asking.EVERY):
            ask(scratch / HTTP, lambda number=number: _orders(scratch / f"{number}.db"))  # type: ignore[misc]  # bound here
        for number, heard in enumerate(hearing.EVERY):
            heard.write(scratch / MESSAGES, f"sqlite:///{scratch}/heard-{number}.db")
        shutil.rmtree(folder, ignore_errors=True)
        for kind in (HTTP, MESSAGES):
            for path in sorted((scratch / kind).glob("*.json")):
                (folder / kind).mkdir(parents=True, exist_ok=True)
                document = json.dumps(plain(json.loads(path.read_text())), indent=1, sort_keys=True, ensure_ascii=False)
                (folder / kind / path.name).write_text(document + "\n")


def plain(pact: dict[str, Any]) -> dict[str, Any]:
    """A pact without what the library notes of itself, its interactions in the order of their descriptions."""
    metadata = {"pactSpecification": pact["metadata"]["pactSpecification"]}
    interactions = sorted(pact["interactions"], key=lambda each: (each["description"], each["type"]))
    return pact | {"metadata": metadata, "interactions": interactions}


def kept(folder: Path = FOLDER) -> dict[str, Any]:
    """The pacts in a folder by their place in it."""
    return {str(path.relative_to(folder)): json.loads(path.read_text()) for path in sorted(folder.rglob("*.json"))}


def _orders(file: Path) -> Database:
    url = f"sqlite:///{file}"
    migrate("order", url)
    return Database(url)
