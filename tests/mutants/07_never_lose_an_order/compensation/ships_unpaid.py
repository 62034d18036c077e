"""Charges, and does not listen to the answer."""

from labs.services.points import outside
from labs.services.points.orders import Orders


def carry_on(orders, order):
    if order.state == "placed":
        outside.charge(order, key=order.id)
        orders.move(order, "paid")
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
