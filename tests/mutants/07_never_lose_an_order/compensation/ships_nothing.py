"""Undoes everything, whatever is answered."""

from labs.services.points import outside
from labs.services.points.orders import Orders


def carry_on(orders, order):
    if order.state == "placed":
        if outside.charge(order, key=order.id):
            orders.move(order, "paid")
        else:
            orders.release(order)
    elif order.state == "paid":
        orders.move(order, "undoing")
    else:
        outside.refund(order, key=order.id, charge_key=order.id)
        orders.release(order)


def main(settings, ready):
    orders = Orders(settings)
    for event in orders.events(ready):
        orders.place(event)
        while order := orders.unfinished():
            carry_on(orders, order)
