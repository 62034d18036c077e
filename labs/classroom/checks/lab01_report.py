"""Lab 01: what a sales report says, beside what the orders say, and what it may cost."""

import json
import time
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from labs.classroom import watching
from labs.classroom.lab import Lab
from labs.classroom.verdicts import Verdict, wrong
from labs.classroom.visited import MONOLITH, loaded
from labs.infra.home import PROJECT


def numbers(lab: Lab, report: dict[str, Any], names: dict[str, str]) -> Verdict | None:
    """What is wrong with them; None if nothing is. `names` are those of the three products of the order, by SKU."""
    rows = watching.rows(lab.system, MONOLITH, "SELECT status, lines FROM orders")
    if report["orders"] != len(rows):
        return wrong("orders", f"There are {len(rows)} orders, and your report says that it read {report['orders']}.")
    truth = {name: _sold(rows, sku) for sku, name in names.items()}
    keys = ("ordered", "fulfilled", "revenue")
    said = {names[p["sku"]]: tuple(p[key] for key in keys) for p in report["products"] if p["sku"] in names}
    bought = "Bought were 2 teas and 3 cups in one order; 7 rugs were ordered, and not there."
    if "cup" not in said:
        return wrong("first_line", f"{bought} Your report has no cup: an order has many lines.")
    if "rug" not in said:
        return wrong("only_fulfilled", f"{bought} Your report has no rug: what was ordered in vain is asked for too.")
    if said["rug"][2]:
        return wrong(
            "unpaid", f"{bought} Your report has revenue for rugs. Nobody paid for them: only fulfilled orders count."
        )
    if said["tea"][0] == 1:
        return wrong("counts_lines", f"{bought} Your report counts 1 tea. Count pieces, not lines.")
    for name, right in truth.items():
        if said[name] != right:
            return wrong(
                "miscounted",
                f"{bought} For the {name} (ordered, fulfilled, revenue) should be {right}, not {said[name]}.",
            )
    others = {p["sku"]: tuple(p[key] for key in keys) for p in report["products"]}
    for sku in ("tea-0", "tea-7"):
        if others.get(sku) != (right := _sold(rows, sku)):
            return wrong("miscounted", f"Of {sku} the old orders say {right}; your report says {others.get(sku)}.")
    return None


def _sold(rows: list[dict[str, Any]], sku: str) -> tuple[int, int, int]:
    ordered = fulfilled = revenue = 0
    for row in rows:
        for line in json.loads(row["lines"]):
            if line["sku"] == sku:
                ordered += line["quantity"]
                if row["status"] == "fulfilled":
                    fulfilled += line["quantity"]
                    revenue += line["quantity"] * line["amount"]
    return ordered, fulfilled, revenue


def cost_of_the_first(lab: Lab) -> float:
    """Seconds of CPU time that the report as it was shipped takes for the orders that are there, here and now."""
    shipped = loaded(PROJECT / "labs/services/monolith/sales.py")
    engine = create_engine(lab.system.database_url(MONOLITH))
    with Session(engine) as session:
        begun = time.thread_time()
        shipped.sales(session)
        cost = time.thread_time() - begun
    engine.dispose()
    return cost
