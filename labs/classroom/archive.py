"""A log file of many days, to find one order in."""

from pathlib import Path
from typing import Any

from labs.classroom.slips import Slip
from labs.infra.logging import BadQuestion
from labs.infra.logging.asking import Logs

MANY = Path(__file__).with_name("many_lines.sql")
MEMORY = "400MB"
"""What its database may take; beyond that it uses the disk."""


class Archive:
    """So many lines in Elastic Common Schema, twenty for each order, about 330 bytes each, in a folder at `place`. Orders are
    numbered from 1."""

    def __init__(self, place: Path, lines: int) -> None:
        folder = place / "archive" / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "shop.log"
        file.touch()
        self._logs = Logs(folder)
        path = str(file).replace("'", "''")
        self.sql(f"SET memory_limit = '{MEMORY}'")
        self.sql(MANY.read_text().replace("$path", path).replace("$lines", str(int(lines))))
        self._logs.close()
        self._logs = Logs(folder)
        self.sql(f"SET memory_limit = '{MEMORY}'")

    def sql(self, question: str, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of an answer. The views are `logs` and `other`; tables may be made. Raises Slip."""
        try:
            return self._logs.rows(question, parameters)
        except BadQuestion as error:
            raise Slip(str(error)) from None

    def close(self) -> None:
        """Forget it."""
        self._logs.close()
