"""Ships without asking for money."""

from labs.services.points import outside
from labs.services.points.orders import Orders


def carry_on(orders, order):
    if order.state == "placed":
        orders.move(order, "paid" if order.card == "card-ok" else "undoing")
    elif order.state == "paid":
        orders.move(order, "shipped" if outside.ship(order, key=order.id) else "undoing")
    else:
        outside.refund(order, key=order.id, charge_key=order.id)
        orders.release(order)


def main(settings, ready):
    orders = Orders(settings)
    for event in orders.events(ready):
        orders.place(event)
        while order := orders.unfinished():
            carry_on(orders, order)
