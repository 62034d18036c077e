"""The list of products of which there are few, made by the worker."""

from sqlalchemy import insert, literal, select, update
from sqlalchemy.orm import Session

from labs.services.chassis.database import Transaction
from labs.services.inventory.stores.tables import Product, ReportedLine, Stock, StockReport, now


def ask(tx: Transaction) -> StockReport:
    """A report to be made; the worker hears of it."""
    report = StockReport()
    tx.add(report)
    tx.flush()
    tx.tell("stock_report_asked", {"report_id": report.id})
    return report


def make(tx: Transaction, report_id: str) -> None:
    """All of it in one statement: the truth of one moment."""
    said = select(literal(report_id), Stock.sku, Product.name, Stock.available, Stock.low_at)
    low = said.join(Product, Product.sku == Stock.sku).where(Stock.low)
    tx.execute(insert(ReportedLine).from_select(["report_id", "sku", "name", "available", "low_at"], low))
    tx.execute(update(StockReport).where(StockReport.id == report_id).values(made_at=now()))


def find(session: Session, report_id: str) -> StockReport | None:
    """None if there is no such report."""
    return session.get(StockReport, report_id)


def lines(session: Session, report_id: str, after: str, limit: int) -> list[ReportedLine]:
    """Its products in the order of the SKU, after this SKU."""
    reported = select(ReportedLine).where(ReportedLine.report_id == report_id, ReportedLine.sku > after)
    return list(session.scalars(reported.order_by(ReportedLine.sku).limit(limit)))
