"""The part of a lab that watches its system while customers buy: series, alerts, the pager."""

from typing import TYPE_CHECKING

from labs.classroom import cards
from labs.classroom.customers import Basket, Customers
from labs.classroom.metrics import Monitor
from labs.classroom.shop import Shop
from labs.infra.system import System

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped]  # it ships no types


class Watched:
    """What Lab has of it. `monitor` answers in numbers and tables, and waits for the pager; it needs `up("prometheus")`."""

    system: System
    shop: Shop

    def __init__(self) -> None:
        self.monitor = Monitor(self.system)
        self._customers: list[Customers] = []

    def metrics(
        self,
        promql: str,
        seconds: float = 60,
        *,
        finding: str,
        what: str = "",
        alt: str = "",
        limit: float | None = None,
    ) -> "DataFrame":
        """Show what a PromQL query gave over the last `seconds`, and in one sentence what that says (`finding`); returns it, a
        column for each series. `what` names the axis, `limit` is drawn across, `alt` says it to whoever cannot see it."""
        from labs.classroom import figures, time_series  # half a second that only a lab with a plot should pay

        frame = self.monitor.series(promql, seconds)
        picture = time_series.lines(frame, what or promql, seconds, limit)
        figures.show(picture, alt or time_series.described(frame, promql, seconds), finding)
        return frame

    def alerts(self) -> "DataFrame":
        """The alerts that Prometheus sees now, pending or firing. What rings is in `monitor.pages()`."""
        return self.monitor.alerts()

    def customers(self, rate: float, basket: Basket) -> Customers:
        """Customers who buy, `rate` of them a second, until they `leave`: the n-th takes `basket(n)`, (sku, quantity) each."""
        self._customers.append(Customers(self.shop, rate, basket))
        cards.card("note", f"customers come, {rate:g} a second")
        return self._customers[-1]

    def send_customers_home(self) -> None:
        """All who still buy."""
        for customers in self._customers:
            customers.leave()
        self._customers.clear()
