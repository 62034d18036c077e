"""Lab 12: what the traces of real orders say about the learner's spans."""

import time
from dataclasses import dataclass
from typing import Any

from labs.classroom import spans, watching
from labs.classroom.lab import Lab
from labs.classroom.slips import Slip
from labs.classroom.spans import Query, Row
from labs.classroom.verdicts import Checks, Verdict, passed, wrong

CHECKS = Checks()
PATIENCE = 6.0
"""Seconds after which a span that has not come counts as never sent; it takes one."""
SHORTEST = 10.0
"""Milliseconds that the seal of a parcel takes at least, on any machine; a span around nothing takes a tenth of one."""
PACK, LABEL = "pack", "print label"
PARCELS, LABELS = "parcels-service", "labels-service"
OF_THE_CHASSIS = ("client", "producer", "consumer")
"""The kinds of spans that come by themselves: transactions and messages."""
OLD = {"OTLP_ENDPOINT": ""}
"""What a service is told that knows nothing of OpenTelemetry."""


@dataclass
class Seen:
    """What there is of one order: the traces that name it, and what parcels- and labels-service recorded meanwhile."""

    rows: list[Row]
    trouble: str

    def of(self, service: str, operation: str = "") -> list[Row]:
        """The spans of a service."""
        return [row for row in self.rows if row["service"] == service and operation in ("", row["operation"])]

    def span(self, span_id: str) -> Row | None:
        """By its id."""
        return next((row for row in self.rows if row["span"] == span_id), None)

    def story(self) -> str:
        """The id of the trace in which the order was placed."""
        return str(self.of("order-service", "POST /orders")[0]["trace"])


@CHECKS.exercise("by_hand", "parcels/by_hand.py")
def by_hand(lab: Lab, _answer: Any) -> Verdict:
    """A span of jaeger-client, around the work, with the order's id."""
    seen = _order(lab, "by_hand")
    if failed := _missing(seen) or _about(seen):
        return failed
    return passed("An order was paid for, and one span `pack` arrived: as long as the work, with the id of the order.")


@CHECKS.exercise("carried", "parcels/carried.py")
def carried(lab: Lab, _answer: Any) -> Verdict:
    """The context comes in with the event, and goes out with the next."""
    seen = _order(lab, "carried")
    if failed := _missing(seen) or _about(seen):
        return failed
    (pack,) = seen.of(PARCELS, PACK)
    if pack["trace"] != seen.story():
        message = (
            "`pack` begins a trace of its own: whoever looks at the order does not see that it was packed. The event brought "
            "its traceparent; make a SpanContext of it, and start the span as its child."
        )
        return wrong("alone", message, _diagram("a trace of its own", "the order's or another one"))
    if seen.span(pack["parent"]) is None:
        message = (
            "`pack` is in the order's trace, below a span that nobody has recorded. The third part of the traceparent is the "
            "id of the span above, in hex."
        )
        return wrong("orphan", message, _diagram("the order's trace, below nothing", "the same trace"))
    return _handed_on(seen, pack) or passed(
        "The order, its parcel and its label are one trace: `pack` is a child of order-service's span, `print label` of yours."
    )


@CHECKS.exercise("otel", "parcels/otel.py")
def otel(lab: Lab, _answer: Any) -> Verdict:
    """The same span by OpenTelemetry, in one trace with the old client."""
    seen = _order(lab, "otel")
    if failed := _missing(seen) or _about(seen):
        return failed
    (pack,) = seen.of(PARCELS, PACK)
    if "otel.scope.name" not in pack["tags"]:
        return wrong("old_client", "`pack` still comes from jaeger-client, over UDP. Write it with `traces.span`.")
    above = seen.span(pack["parent"])
    if pack["trace"] != seen.story() or above is None or above["operation"] != "process order_paid":
        message = (
            "`pack` is not below `process order_paid`, the span that the chassis has made for your handler already."
        )
        return wrong("elsewhere", message, _diagram("somewhere else", "unknown"))
    label = seen.of(LABELS, LABEL)
    if not label or "otel.scope.name" in label[0]["tags"]:
        return wrong("no_old_client", "labels-service, the old client, recorded no `print label`. Is it still running?")
    if not _is_below(seen, label[0], pack):
        message = (
            "`print label` is in the order's trace, and not below `pack`: your span was not the current one while the event "
            "was told. A span that is only begun is nobody's context."
        )
        return wrong("not_current", message, _diagram("below process order_paid", "beside pack"))
    return passed(
        "`pack` comes by OTLP, `print label` by UDP from jaeger-client, both are in the order's trace: two clients, one story."
    )


def _order(lab: Lab, story: str) -> Seen:
    """Place an order with this file at work, and collect what comes of it."""
    wanted = {"STORY": story} | (OLD if story != "otel" else {})
    if lab.system.configured(PARCELS) != wanted:
        lab.system.configure(PARCELS, **wanted)
        lab.system.restart(PARCELS)
    lab.shop.stock("tea", 10)
    began, before = int(time.time() * 1e6), _printed(lab)
    order_id = lab.shop.place(("tea", 1))
    watching.until(lambda: _printed(lab) > before or watching.last_error(lab.system, "parcels-worker"), 20)
    watching.until(lambda: _whole(_look(lab, order_id, began), carried=story != "by_hand"), PATIENCE)
    seen = _look(lab, order_id, began)
    if not seen.of("order-service", "POST /orders"):
        raise Slip(
            "The order's own spans have not come. Is order-service sampled (TRACE_RATIO)? If it is, check again."
        )
    return seen


def _printed(lab: Lab) -> int:
    """How many labels labels-service has begun to print."""
    return lab.system.log("labels-worker").read_text().count('"handling parcel_packed"')


def _whole(seen: Seen, carried: bool) -> bool:
    """Whether all has come that is to be expected, with what is above it if it was carried; or the handler failed."""
    placed = seen.of("order-service", "POST /orders")
    parents = all(seen.span(row["parent"]) for row in (*seen.of(PARCELS), *seen.of(LABELS)) if row["parent"])
    handled = seen.of(PARCELS, PACK) and seen.of(LABELS, LABEL) and (parents or not carried)
    return bool(placed and (seen.trouble or handled))


def _look(lab: Lab, order_id: str, began: int) -> Seen:
    query = Query(lab.system)
    found = spans.about(query, order_id)
    found += [trace for service in (PARCELS, LABELS) for trace in query.traces(service, start=began)]
    traces = {trace["traceID"]: trace for trace in found}
    trouble = watching.last_error(lab.system, "parcels-worker")
    return Seen([row for trace in traces.values() for row in spans.rows(trace)], trouble)


def _missing(seen: Seen) -> Verdict | None:
    if seen.trouble:
        return wrong(
            "raises", f"An order was paid for, and your code raised {seen.trouble}. The parcel was not packed."
        )
    if seen.of(PARCELS, PACK):
        return None
    if others := sorted({row["operation"] for row in seen.of(PARCELS) if row["kind"] not in OF_THE_CHASSIS}):
        return wrong("misnamed", f"parcels-service recorded {', '.join(others)}; whoever searches looks for `pack`.")
    message = "A parcel was packed, and no span of it has come. A span is sent when it is finished, and not before."
    return wrong("unfinished", message)


def _about(seen: Seen) -> Verdict | None:
    pack = seen.of(PARCELS, PACK)
    if len(pack) > 1:
        return wrong(
            "twice", f"One parcel was packed, and {len(pack)} spans `pack` have come: whoever counts them is misled."
        )
    order_id = seen.of("order-service", "POST /orders")[0]["tags"]["order.id"]
    if pack[0]["tags"].get("order.id") != order_id:
        said = pack[0]["tags"].get("order.id", "nothing")
        return wrong(
            "untagged", f"The span says {said} under `order.id`: nobody who looks for the order finds its parcel."
        )
    if pack[0]["lasts"] < SHORTEST:
        message = (
            "The span was over before the parcel was sealed: it measures nothing. The work happens at the `yield`."
        )
        return wrong("instant", message)
    return None


def _handed_on(seen: Seen, pack: Row) -> Verdict | None:
    """None if the label is below the parcel."""
    label = seen.of(LABELS, LABEL)
    if not label:
        message = (
            "labels-service recorded nothing: what you handed on says that this trace is not to be recorded. The last part of "
            "a traceparent are its flags; 01 means recorded."
        )
        return wrong("unsampled", message, _diagram("the order's trace", "not recorded"))
    if _is_below(seen, label[0], pack):
        return None
    if label[0]["parent"] == pack["parent"]:
        message = (
            "You handed on the traceparent that came in: the label hangs beside your parcel, as if it had been printed because "
            "of the payment. Hand on your own span."
        )
        return wrong("skips", message, _diagram("the order's trace", "beside pack"))
    message = (
        "`pack` has its place, and `print label` is not below it: what was told inside your span does not know of it. "
        "`traces.within(traceparent)` around the `yield` hands it on."
    )
    return wrong("dropped", message, _diagram("the order's trace", "below a span that nobody has"))


def _is_below(seen: Seen, row: Row, above: Row) -> bool:
    steps = 0
    current: Row | None = row
    while current and steps < len(seen.rows):
        if current["span"] == above["span"]:
            return True
        current, steps = seen.span(current["parent"]), steps + 1
    return False


def _diagram(pack: str, label: str) -> tuple[str, ...]:
    return (
        "order-service->>parcels-service: order_paid",
        f"Note over parcels-service: pack, in {pack}",
        "parcels-service->>labels-service: parcel_packed",
        f"Note over labels-service: print label, in {label}",
    )
