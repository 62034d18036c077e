"""Work that takes longer than a request, over HTTP: ask for it, then look how far it is. The worker does it."""

from typing import Any
from uuid import UUID

from labs.services.chassis.api import Routes
from labs.services.chassis.auth import Auth
from labs.services.chassis.database import Database
from labs.services.chassis.paging import PageIn
from labs.services.chassis.problems import Problem
from labs.services.inventory import store
from labs.services.inventory.stores.tables import PriceImport, StockReport
from labs.services.inventory.views.schemas import (
    FailedLineOut,
    ImportIn,
    ImportOut,
    ImportPageOut,
    LowProductOut,
    ReportOut,
    ReportPageOut,
)


def routes(app: Routes, db: Database, auth: Auth) -> None:
    """For clerks."""

    @app.post("/price-imports")
    @auth.needs("catalogue:write")
    @app.input(ImportIn)
    @app.output(ImportOut, status_code=202)
    def start_price_import(json_data: ImportIn) -> Any:
        """Up to 10,000 new prices. A line that is malformed refuses them all; a product that nobody knows fails alone."""
        prices = [price.model_dump() for price in json_data.prices]
        with db.transaction() as tx:
            batch = store.imports.start(tx, prices, auth.caller().id)
        return _import(batch), 202, {"Location": f"/price-imports/{batch.id}"}

    @app.get("/price-imports/<uuid:import_id>")
    @auth.needs("catalogue:write")
    @app.input(PageIn, location="query")
    @app.output(ImportPageOut)
    def look_at_price_import(import_id: UUID, query_data: PageIn) -> Any:
        """How far is it, and which lines failed?"""
        (after,) = query_data.place(int) or (0,)
        with db.reading() as session:
            batch = store.imports.find(session, str(import_id))
            failed = store.imports.failures(session, str(import_id), after, query_data.limit + 1)
        if batch is None:
            raise Problem(404, f"no import {str(import_id)!r}")
        return _import(batch) | query_data.page(failed, lambda failure: (failure.line,), _failure)

    @app.post("/stock-reports")
    @auth.needs("stock:write", "reports:read")
    @app.output(ReportOut, status_code=202)
    def ask_stock_report() -> Any:
        """A list of the products of which there are few."""
        with db.transaction() as tx:
            report = store.reports.ask(tx)
        return _report(report), 202, {"Location": f"/stock-reports/{report.id}"}

    @app.get("/stock-reports/<uuid:report_id>")
    @auth.needs("stock:write", "reports:read")
    @app.input(PageIn, location="query")
    @app.output(ReportPageOut)
    def look_at_stock_report(report_id: UUID, query_data: PageIn) -> Any:
        """The list, as it was when it was made."""
        (after,) = query_data.place(str) or ("",)
        with db.reading() as session:
            report = store.reports.find(session, str(report_id))
            lines = store.reports.lines(session, str(report_id), after, query_data.limit + 1)
        if report is None:
            raise Problem(404, f"no report {str(report_id)!r}")
        return _report(report) | query_data.page(lines, lambda line: (line.sku,), _line)


def _import(batch: PriceImport) -> dict[str, Any]:
    return ImportOut.model_validate(batch, from_attributes=True).model_dump()


def _failure(line: Any) -> FailedLineOut:
    return FailedLineOut.model_validate(line, from_attributes=True)


def _report(report: StockReport) -> dict[str, Any]:
    return ReportOut.model_validate(report, from_attributes=True).model_dump()


def _line(line: Any) -> LowProductOut:
    return LowProductOut.model_validate(line, from_attributes=True)
