"""`lab = Lab("06_events_with_nameko", SCALE)`: everything that a notebook does with its system goes through this object."""

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import psutil
from IPython.core.getipython import get_ipython

from labs.classroom import cards, rules, watching, workshop
from labs.classroom.changing import Changing
from labs.classroom.decomposed import Decomposed
from labs.classroom.faulty import Faulty
from labs.classroom.neighbours import Neighbours
from labs.classroom.programs import Programs
from labs.classroom.proven import Proven
from labs.classroom.recorded import Recorded
from labs.classroom.records import Records
from labs.classroom.references import MAGIC, reference
from labs.classroom.round_trips import RoundTrips
from labs.classroom.rushing import Rushing
from labs.classroom.shop import Shop
from labs.classroom.slips import Slip
from labs.classroom.spans import Query
from labs.classroom.strangling import Strangling
from labs.classroom.verdicts import Checks, Verdict
from labs.classroom.visited import Visited
from labs.classroom.watched import Watched
from labs.classroom.workshop import Workshop
from labs.infra import doctor
from labs.infra.compose import ComposeError
from labs.infra.logging import files
from labs.infra.memory import group_memory
from labs.infra.start_error import StartError
from labs.infra.system import Databases, System

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame  # type: ignore[import-untyped]  # it has no types

    from labs.classroom.archive import Archive
    from labs.classroom.logs import Answer

SCALES = ("ci", "class", "talk")
_open: dict[str, "Lab"] = {}


class Lab(
    Watched,
    Visited,
    Recorded,
    Programs,
    Changing,
    Strangling,
    Decomposed,
    Neighbours,
    Rushing,
    Faulty,
    RoundTrips,
    Proven,
):
    """One run of one lab: its own system of processes, its own copy of the code, its records. `scale` is ci, class or talk;
    `databases` says what the services keep their data in: sqlite, postgresql."""

    def __init__(self, name: str, scale: str = "ci", databases: Databases = "sqlite") -> None:
        if scale not in SCALES:
            raise Slip(f"SCALE must be one of {', '.join(SCALES)}, not {scale!r}")
        for former in _open.values():
            former.down()
        _open.clear()
        _open[name] = self
        self.name, self.scale = name, scale
        self.system = System(name, databases=databases)
        self.shop = Shop(self.system)
        self.records = Records(name, scale)
        self.workshop = Workshop(self.system, lambda path: reference(name, path))
        Watched.__init__(self)
        checks: Checks = import_module(f"labs.classroom.checks.lab{name[:2]}").CHECKS
        self.exercises = checks.by_name
        if shell := get_ipython():
            shell.register_magic_function(self._service, "cell", "service")  # type: ignore[arg-type]  # IPython types it wrongly

    # --- the system ---------------------------------------------------------------------------------------------------

    def up(self, *names: str) -> float:
        """Start services and what they depend on, e.g. up("order-service", "outside"); returns the seconds until all were
        ready."""
        begun = time.monotonic()
        try:
            self.system.up(*names)
        except (ComposeError, StartError) as error:
            raise Slip(str(error)) from None
        cards.card("note", "up: " + ", ".join(names))
        return time.monotonic() - begun

    def stop(self, *names: str) -> None:
        """Stop services; they stay down until `start`."""
        self.system.stop(*names)
        cards.card("note", "stopped: " + ", ".join(names))

    def start(self, *names: str) -> None:
        """Start services again; returns when they are ready."""
        self.system.start(*names)
        cards.card("note", "started: " + ", ".join(names))

    def configure(self, service: str, now: bool = True, **settings: Any) -> None:
        """Settings of a service, as environment variables; none: those it had first. What runs of it is restarted with them,
        or, if not `now`, has them from its next start on, such as that of a `%%service` cell."""
        self.system.configure(service, **settings)
        if now and self.pids(service):
            self.system.restart(service)
        words = ", ".join(f"{name}={value}" for name, value in settings.items())
        cards.card("note", f"{service}: {words or 'its own settings again'}")

    def down(self) -> None:
        """End every process of this lab. A kernel that ends does the same."""
        self.send_customers_home()
        self.system.down()

    def doctor(self) -> None:
        """Whether this machine has what the labs need; what is missing, with the command that gets it."""
        missing = [need for need in doctor.examine() if need.required and not need.ok]
        if missing:
            cards.card("failed", "Something is missing", more=doctor.render(missing))
        else:
            cards.card("passed", "This machine has everything that the labs need")

    def logs(
        self, service: str = "", containing: str = "", lines: int = 5, *, order: str = "", correlation: str = ""
    ) -> "Answer | None":
        """The last lines of a process that contain a text, as they are; or, of an order or a correlation id, the lines of all
        services whose message contains it, as a table by time."""
        if not service:
            from labs.classroom import logs

            return logs.story(self.system, order, correlation, containing)
        found = [line for line in files.lines(self.system.log(service)) if containing in line]
        print("\n".join(found[-lines:]))  # noqa: T201  a notebook's output
        return None

    def sql(self, question: str, *parameters: Any, caption: str = "") -> "Answer":
        """What a question in SQL gives, asked of the views `logs` and `other` and the table function `story(order)`; `?` stands
        for the parameters in turn. A DataFrame, shown with its caption."""
        from labs.classroom import logs

        return logs.ask(self.system, question, parameters, caption)

    def timeline(self, order: str) -> "Figure":
        """The story of an order as a figure: when which service wrote a line of it."""
        from labs.classroom import logs

        return logs.timeline(self.system, order)

    def archive(self, lines: int) -> "Archive":
        """A log file of so many lines, to be asked in SQL."""
        from labs.classroom.archive import Archive

        return Archive(self.system.directory, lines)

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def amqp_url(self) -> str:
        """The broker, as a user who may do everything in this lab's vhost."""
        return self.system.amqp_url()

    def processes(self, service: str) -> list[str]:
        """The processes of the operating system that a service is made of, one line each."""
        found = []
        for name, described in self.system.services.items():
            if described.group == service and (pid := self.system.pid(name)):
                below = len(psutil.Process(pid).children(recursive=True))
                found += [name] + [f"{name}, started by the one above"] * below
        return found

    def pids(self, service: str) -> set[int]:
        """The process ids of a service's processes that run now."""
        return {self.system.pid(name) for name, s in self.system.services.items() if s.group == service} - {0}

    def cpu(self, process: str) -> float:
        """Seconds of CPU time that a process, such as order-api, and those below it have used."""
        used = [psutil.Process(self.system.pid(process))]
        family = [member for process in used for member in (process, *process.children(recursive=True))]
        return sum(sum(member.cpu_times()[:2]) for member in family)

    def memory(self) -> float:
        """Megabytes that the whole system of this lab takes, its broker too unless it is shared."""
        return group_memory(self.system.guard_pid) / 2**20

    def backlog(self, service: str, event_type: str) -> int:
        """How many events of a type wait for a service."""
        queues = watching.handler_queues(self.system, service, event_type)
        return sum(watching.depth(self.system, queue) or 0 for queue in queues)

    def listeners(self, source: str) -> list[str]:
        """The services that listen to the events of `source` now."""
        return watching.listeners(self.system, source)

    def queue_depth(self, queue: str) -> int:
        """How many messages wait in a queue, by its name."""
        return watching.depth(self.system, queue) or 0

    def trace(self, about: str, having: str = "", finding: str = "") -> "DataFrame":
        """Draw the trace of an order, by its id, its correlation id or the trace's own; returns its spans, one a row. `having`
        waits for a span whose name begins so. Of several traces the earliest is drawn; `lab.traces` has all."""
        from labs.classroom import tracing

        return tracing.draw(tracing.complete(Query(self.system), about, having)[0], finding)

    def traces(self, about: str, having: str = "") -> "DataFrame":
        """The spans of every trace that is about an order, in one table; nothing is drawn."""
        from labs.classroom import spans, tracing

        return spans.table(tracing.complete(Query(self.system), about, having))

    def spans(self, service: str, least: int = 0, **wanted: Any) -> "DataFrame":
        """The spans of all traces in which a service has a span such as it is wanted: operation="…", tags={"error": True},
        minDuration="100ms", maxDuration="1s", limit=20. `least` waits for so many traces, until they are complete."""
        from labs.classroom import tracing

        return tracing.search(Query(self.system), service, least, **wanted)

    def map(self, seconds: float = 300.0, finding: str = "") -> "DataFrame":
        """Draw who called whom in the last seconds, as the traces say; returns the edges with calls, rate and errors."""
        from labs.classroom import tracing

        return tracing.map_of(Query(self.system), seconds, finding)

    def rows(self, service: str, sql: str) -> list[dict[str, Any]]:
        """What a query of a service's own database gives. Only a lab may look there; another service must ask."""
        return watching.rows(self.system, service, sql)

    def code(self, service: str) -> dict[str, str]:
        """The source files of a service as they are in this lab, by name."""
        return self.workshop.code(service)

    def until(self, condition: Any, within: float = 5.0) -> Any:
        """The first true value of a function, or its last one when the seconds are up."""
        return watching.until(condition, within)

    # --- learning -----------------------------------------------------------------------------------------------------

    def scaled(self, ci: int, class_: int, talk: int) -> int:
        """The number for this run's scale."""
        return {"ci": ci, "class": class_, "talk": talk}[self.scale]

    def predict(self, key: str, value: Any, like: Any) -> None:
        """Store a prediction; `score` compares it later with what was measured. `like` is an example of an answer."""
        if value is Ellipsis:
            cards.card(
                "open", "No prediction yet", f"Replace the `...`, with something like {like!r}, and run the cell again."
            )
            return
        if isinstance(like, list) and isinstance(value, str):
            value = [value]
        if type(value) is not type(like):
            raise Slip(f"{value!r} cannot be compared with what will be measured. Write something like {like!r}.")
        self.records.prediction(key, value)
        cards.card("note", f"Your prediction is stored: {value}")

    def score(self, key: str, measured: Any, detail: str = "") -> None:
        """Show a prediction beside what was measured, and `detail` about it. Who has not predicted is not told yet."""
        stored = self.records.results["predictions"].get(key, {}).get("predicted", Ellipsis)
        if stored is Ellipsis:
            cards.card(
                "open",
                "Measured, and not told yet",
                "Make your prediction above, run its cell, and then this one again.",
            )
            return
        self.records.prediction(key, stored, measured)
        right = stored == measured
        verdict = "Right." if right else "Not what you expected. That is what this lab is for."
        cards.card("passed" if right else "note", f"You predicted {stored}, measured: {measured}", verdict, detail)

    def finding(
        self,
        name: str,
        value: float,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        equals: Any = None,
    ) -> None:
        """A claim of the text, measured: exactly one bound must be given. It goes into the results file, where CI checks it."""
        bounds = {"at most": at_most, "at least": at_least, "exactly": equals}
        ((words, bound),) = [(words, bound) for words, bound in bounds.items() if bound is not None]
        holds = {"at most": value <= bound, "at least": value >= bound, "exactly": value == bound}[words]
        self.records.finding(name, value, f"{words} {bound:g}", holds)
        cards.measured(name, value, f"{words} {bound:g}", holds)

    def check(self, name: str, answer: Any = None) -> None:
        """Judge an exercise by what the system does with it, and say in words what happened."""
        if name not in self.exercises:
            raise Slip(f"There is no exercise {name!r}; this lab has: {', '.join(self.exercises)}.")
        check = self.exercises[name]
        attempts = [self.workshop.attempt(path) for path in check.files]
        if answer is Ellipsis or any(attempt.status == "open" for attempt in attempts):
            self.records.exercise(name, "not attempted")
            cards.card("open", f"{name}: not attempted yet", "Nothing is lost: the rest of the lab goes on without it.")
            return
        verdict = self.judge(name, answer)
        self.records.exercise(name, "passed" if verdict.passed else "failed")
        result = "passed" if verdict.passed else "not yet"
        cards.card("passed" if verdict.passed else "failed", f"{name}: {result}", verdict.message)
        if verdict.story:
            cards.diagram("sequenceDiagram\n" + "\n".join(f"    {line}" for line in verdict.story))

    def judge(self, name: str, answer: Any = None) -> Verdict:
        """The verdict itself, without cards or records. Raises Slip if what it would judge is stopped."""
        check = self.exercises[name]
        for path in check.files:
            if self.workshop.attempt(path).status == "broken":
                return Verdict(
                    f"{path} does not start; the card below its cell says why. A check drives what runs.", "broken"
                )
            first = PurePosixPath(path).parts[0]
            groups = {described.group for described in self.system.services.values()}
            service = first if rules.is_rule(path) or first in groups else f"{first}-service"
            # the check starts them, the lab itself loads them, or every service has them
            of_none = check.arranges or first in (*workshop.OUTSIDE_THE_SHOP, "chassis")
            if not of_none and not self.pids(service):
                raise Slip(f'{service} does not run. Start it with `lab.start("{service}")`, then check again.')
        return check.judge(self, answer)

    def plot(self, **size: Any) -> tuple["Figure", Any]:
        """A figure and its axes in the style of the labs."""
        from labs.classroom import figures  # half a second that only a lab with a plot should pay

        return figures.plot(**size)

    def counts(self, series: dict[str, Any], away: dict[str, tuple[float, float]], what: str) -> "Figure":
        """A figure of how many `what` there were by when: for each name of `series` the seconds at which one came. `away`
        shades spans of time."""
        from labs.classroom import figures

        return figures.counts(series, away, what)

    def show(self, figure: "Figure", *, alt: str, finding: str) -> None:
        """Show a figure, with words for whoever cannot see it and one sentence that says what it shows."""
        from labs.classroom import figures

        figures.show(figure, alt, finding)

    def timed(self, act: Callable[[], Any], times: int) -> list[float]:
        """The seconds that each of so many calls took."""
        seconds = []
        for _ in range(times):
            begun = time.monotonic()
            act()
            seconds.append(time.monotonic() - begun)
        return seconds

    def outcome(self, act: Callable[[], Any]) -> tuple[str, float]:
        """What became of a call, "accepted" or the name of the error, and after how many seconds."""
        begun = time.monotonic()
        try:
            act()
        except Exception as error:  # noqa: BLE001  whatever it raises is the outcome
            return type(error).__name__, time.monotonic() - begun
        return "accepted", time.monotonic() - begun

    def lines_changed(self, before: dict[str, str], after: dict[str, str]) -> int:
        """How many lines differ between two states of a service's code."""
        return workshop.lines_changed(before, after)

    def summary(self) -> None:
        """All that was measured in this run, beside its bound."""
        rows: Sequence[dict[str, Any]] = self.records.results["findings"]
        cards.table([(row["name"], row["value"], row["bound"], row["holds"]) for row in rows])

    def _service(self, line: str, cell: str) -> None:
        """%%service order/worker.py"""
        path = line.strip()
        attempt = self.workshop.replace(
            path, f"# {MAGIC}{path}\n{cell}"
        )  # so that its lines count as those of the cell
        if rules.is_rule(path):
            rules.tell(path, attempt)
        else:
            workshop.tell(path, attempt, reference(self.name, path) is not None)
