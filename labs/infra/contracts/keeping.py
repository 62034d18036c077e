"""The contracts that are kept, against those that the code makes now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs import services
from labs.infra.contracts.breaks import Break
from labs.infra.contracts.comparing import compare_all
from labs.infra.contracts.differences import differences
from labs.infra.contracts.told import handlers

FOLDER = Path(services.__path__[0]) / "contracts"
PACTS = "pacts"
"""A folder in it that consumers write, not the code of whoever promises; tests/services/contracts/pacts looks after it."""
ACCEPT = "lab contracts --accept"
INSTEAD = """\
What others rely on is not changed; it is added to. An event that must be another gets a new type (order_placed_2), which is
told beside the old one until nobody listens to that any more; an API gets a new path or a new field. To withdraw what nobody
uses, delete its file in labs/services/contracts by hand, so that the review sees it, and then say: {accept}"""


@dataclass(frozen=True)
class Judgement:
    """What differs, by document and place, and whom it breaks."""

    differences: list[str]
    breaks: list[Break]

    @property
    def compatible(self) -> bool:
        """Nobody breaks who keeps to the rules."""
        return all(each.warning for each in self.breaks)

    def __str__(self) -> str:
        """For whoever made the change: what it is, whom it breaks, what to do."""
        if not self.differences:
            return "The contracts say what the code does."
        said = ["The code does not do what the contracts in labs/services/contracts say:", *self.differences]
        if warnings := [each for each in self.breaks if each.warning]:
            said += ["", "It may surprise:", *map(str, warnings)]
        if self.compatible:
            said += ["", f"Nobody breaks. If you mean it: {ACCEPT}"]
        else:
            breaking = [str(each) for each in self.breaks if not each.warning]
            said += ["", "It breaks:", *breaking, "", INSTEAD.format(accept=ACCEPT)]
        return "\n".join(said)


def kept(folder: Path = FOLDER) -> dict[str, Any]:
    """The documents in the folder by name."""
    paths = [path.relative_to(folder) for path in sorted(folder.rglob("*.json"))]
    names = [str(path) for path in paths if path.parts[0] != PACTS]
    return {name: json.loads((folder / name).read_text()) for name in names}


def judge(old: Mapping[str, Any], new: Mapping[str, Any]) -> Judgement:
    """Two sets of documents by name."""
    found: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found.append(f"{name}: no longer made")
        elif name not in old:
            found.append(f"{name}: new")
        else:
            found += [f"{name} {line}" for line in differences(old[name], new[name])]
    return Judgement(found, compare_all(old, new))


def accept(made: Mapping[str, Any], folder: Path = FOLDER) -> Judgement:
    """Keep these documents from now on, unless that breaks somebody: then nothing is written. Returns what changed."""
    judgement = judge(kept(folder), made)
    if judgement.compatible:
        for name, document in made.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return judgement


def overview(made: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Every event: its type, who tells it, who listens."""
    rows = []
    for name in (name for name in made if name.startswith("events/")):
        source, type_ = (made[name]["properties"][word]["const"] for word in ("source", "type"))
        heard = [each.name for each in handlers() if (each.source, each.type) == (source, type_)]
        rows.append((type_, source, ", ".join(heard)))
    return rows
