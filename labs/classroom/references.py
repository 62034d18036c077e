"""The reference solution of a file that a learner writes: what the shop ships, else the cell in the lab's solution."""

import nbformat

from labs.infra.home import PROJECT

MAGIC = "%%service "


def reference(lab: str, path: str) -> str | None:
    """The source for labs/services/`path`, None if neither the shop nor the solution of `lab` has it."""
    shipped = PROJECT / "labs/services" / path
    if shipped.exists():
        return shipped.read_text()
    solution = PROJECT / "solutions" / f"{lab}.ipynb"
    if not solution.exists():
        return None
    for cell in nbformat.read(solution, as_version=4).cells:
        first, _, source = cell.source.partition("\n")
        if cell.cell_type == "code" and first.strip() == MAGIC + path:
            return str(source)
    return None
