"""What a log costs: a line as it is written, and the question for one order's lines among a million."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from benchmarks.figures import Figure
from labs.classroom.archive import Archive
from labs.services.chassis import logs, redaction, traces
from labs.services.chassis.rotation import STANDARD, Rotating
from labs.services.chassis.settings import Settings

LINES = 1_000_000
ROUNDS = 5
BATCH, BATCHES = 100, 100
FIELDS = {
    "http.request.method": "POST",
    "url.path": "/orders",
    "http.response.status_code": 202,
    "event.duration": 12_345_678,
}
BODY = b'{"lines": [{"sku": "tea", "quantity": 1}, {"sku": "cup", "quantity": 2}], "card": "card-of-somebody"}'
WHERE = "WHERE correlation_id = '{0}'"


def measure() -> Iterator[Figure]:
    """About two minutes."""
    with TemporaryDirectory(prefix="lab-bench-") as folder:
        yield from _writing(Path(folder))
        yield from _asking(Path(folder))


def _writing(folder: Path) -> Iterator[Figure]:
    """The least of many batches: what else the machine does is not the line's cost."""
    log = str(folder / "it.log")
    traces.configure(Settings(service="benchmark"))
    costs: dict[str, list[float]] = {"plain": [], "rotating": [], "dropped": []}
    with _own_output(log):
        for _ in range(ROUNDS):
            for name, level, into in (
                ("plain", "INFO", None),
                ("rotating", "INFO", Rotating(log, 10_000_000, 4)),
                ("dropped", "WARNING", None),
            ):
                logs.configure("benchmark", level, into)
                costs[name].append(_line())
    least = {name: min(each) * 1e6 for name, each in costs.items()}
    yield Figure("a line of a POST with both bodies, redacted", least["plain"], "µs")
    yield Figure("  into a file that rotates", least["rotating"], "µs")
    yield Figure("  rotating ÷ plain", least["rotating"] / least["plain"], at_most=1.25)
    yield Figure("  below the level, so not written ÷ written", least["dropped"] / least["plain"], at_most=0.1)


def _line() -> float:
    log, best = logs.get("benchmark"), float("inf")

    def body() -> str:
        return redaction.body(BODY, True)

    bodies = {"http.request.body.content": body, "http.response.body.content": body}
    with logs.correlated(uuid4().hex), traces.span("benchmark"):
        for _ in range(BATCHES):
            begun = time.perf_counter()
            for _ in range(BATCH):
                log.info("POST /orders", **FIELDS, **bodies)
            best = min(best, (time.perf_counter() - begun) / BATCH)
    return best


def _asking(folder: Path) -> Iterator[Figure]:
    archive = Archive(folder, LINES)
    file, parquet = (str(folder / "archive" / name) for name in ("logs/shop.log", "shop.parquet"))
    (wanted,) = archive.sql("SELECT any_value(correlation_id) AS id FROM logs WHERE order_id = '4711'")
    found = WHERE.format(wanted["id"])
    columns = "time, service, message, correlation_id, order_id"
    seconds = {
        "raw": _best(lambda: archive.sql(f"SELECT * FROM read_json('{file}') {found.replace('cor', 'labels.cor')}")),
        "columns": _best(lambda: archive.sql(f"SELECT {columns} FROM logs {found}")),
        "load": _best(lambda: archive.sql(f"CREATE OR REPLACE TABLE loaded AS SELECT {columns} FROM logs"), 1),
        "table": _best(lambda: archive.sql(f"SELECT {columns} FROM loaded {found}")),
        "save": _best(lambda: archive.sql(f"COPY loaded TO '{parquet}' (FORMAT parquet)"), 1),
        "parquet": _best(lambda: archive.sql(f"SELECT {columns} FROM '{parquet}' {found}")),
    }
    archive.close()
    yield Figure(f"the lines of one correlation id among {LINES:,}: JSON as it is", seconds["raw"], "s")
    yield Figure("  by the view `logs`, which says the columns", seconds["columns"], "s")
    yield Figure("  from a table into which they were loaded", seconds["table"], "s")
    yield Figure("  from a Parquet file", seconds["parquet"], "s")
    yield Figure("  loading them", seconds["load"], "s")
    yield Figure("as it is ÷ view", seconds["raw"] / seconds["columns"])
    yield Figure("view ÷ table", seconds["columns"] / seconds["table"], at_least=10)
    yield Figure("view ÷ Parquet", seconds["columns"] / seconds["parquet"], at_least=3)


def _best(act: Callable[[], object], times: int = ROUNDS) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return min(taken)


@contextmanager
def _own_output(log: str) -> Iterator[None]:
    """Standard output goes into a file meanwhile, as a service's does."""
    kept = [os.dup(number) for number in STANDARD]
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.dup2(file, 1)
        yield
    finally:
        os.close(file)
        for number, before in zip(STANDARD, kept, strict=True):
            os.dup2(before, number)
            os.close(before)
