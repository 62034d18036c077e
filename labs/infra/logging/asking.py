"""The logs of a system in SQL: DuckDB's views `logs` and `other`, and the table function `story`, over files as they are."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import duckdb

from labs.infra.logging import BadQuestion, NoLogs, files

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # it ships none

VIEWS = Path(__file__).with_name("views.sql")


class Logs:
    """Of the processes whose log files are in `folder`. What is written after it is made is seen, unless files were moved
    meanwhile: make a new one to look anew. Use it in `with`. Raises NoLogs."""

    def __init__(self, folder: Path) -> None:
        self._links = Path(tempfile.mkdtemp(prefix=".asked-", dir=folder))
        linked = [link for name in files.processes(folder) for link in files.link(folder / f"{name}.log", self._links)]
        if not linked:
            self.close()
            raise NoLogs(f"{folder.parent.name} has no logs.")
        self._duckdb = duckdb.connect(config={"autoinstall_known_extensions": False})
        names = ", ".join("'" + str(link).replace("'", "''") + "'" for link in linked)
        self._duckdb.execute(VIEWS.read_text().replace("$files", f"[{names}]"))

    def __enter__(self) -> "Logs":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """What a query gives, `?` in it standing for the parameters in turn. Raises BadQuestion."""
        answer = self._ask(sql, parameters)
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def table(self, sql: str, parameters: Sequence[Any] = ()) -> "pd.DataFrame":
        """The same as a DataFrame. Raises BadQuestion."""
        return self._ask(sql, parameters).df()

    def close(self) -> None:
        """Forget the files."""
        shutil.rmtree(self._links, ignore_errors=True)

    def _ask(self, sql: str, parameters: Sequence[Any]) -> duckdb.DuckDBPyConnection:
        try:
            return self._duckdb.execute(sql, parameters)
        except duckdb.Error as error:
            raise BadQuestion(str(error)) from None
