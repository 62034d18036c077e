"""Many prices at once: kept as an import, done in chunks by the worker."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from labs.services.chassis.database import Transaction
from labs.services.chassis.shapes import Money
from labs.services.inventory.stores import catalogue
from labs.services.inventory.stores.tables import FailedLine, PriceImport

CHUNK = 100
"""Lines of one event: about 10 kB, and a transaction of some hundredths of a second."""


def start(tx: Transaction, prices: list[dict[str, Any]], by: str) -> PriceImport:
    """Accept an import of {sku, amount, currency}, and tell its chunks to the worker. Of several prices for one product the
    first counts, since nobody knows in which order the chunks are done."""
    first: dict[str, int] = {}
    once, again = [], {}
    for line, price in enumerate(prices, 1):
        if (known := first.setdefault(price["sku"], line)) == line:
            once.append({"line": line, **price})
        else:
            again[line] = price["sku"], f"line {known} has its price already"
    batch = PriceImport(total=len(prices), failed=len(again), asked_by=by)
    tx.add(batch)
    tx.flush()
    _fail(tx, batch.id, again)
    for begin in range(0, len(once), CHUNK):
        tx.tell("price_import_chunk", {"import_id": batch.id, "lines": once[begin : begin + CHUNK]})
    return batch


def do_chunk(tx: Transaction, import_id: str, lines: list[dict[str, Any]]) -> None:
    """Change these prices; a line whose product is unknown is kept as failed."""
    by = tx.scalar(select(PriceImport.asked_by).where(PriceImport.id == import_id))
    assert by is not None, "it was written in the transaction that told the chunk"
    prices = {line["sku"]: Money(amount=line["amount"], currency=line["currency"]) for line in lines}
    unknown = catalogue.reprice(tx, prices, by)
    _fail(tx, import_id, {x["line"]: (x["sku"], "not in the catalogue") for x in lines if x["sku"] in unknown})
    done, failed = PriceImport.done + len(lines) - len(unknown), PriceImport.failed + len(unknown)
    tx.execute(update(PriceImport).where(PriceImport.id == import_id).values(done=done, failed=failed))


def find(session: Session, import_id: str) -> PriceImport | None:
    """None if there is no such import."""
    return session.get(PriceImport, import_id)


def failures(session: Session, import_id: str, after: int, limit: int) -> list[FailedLine]:
    """The lines that changed nothing, in the order of the import, after this line."""
    failed = select(FailedLine).where(FailedLine.import_id == import_id, FailedLine.line > after)
    return list(session.scalars(failed.order_by(FailedLine.line).limit(limit)))


def _fail(tx: Transaction, import_id: str, failed: dict[int, tuple[str, str]]) -> None:
    tx.add_all(FailedLine(import_id=import_id, line=n, sku=sku, reason=reason) for n, (sku, reason) in failed.items())
