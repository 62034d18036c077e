"""The order is over, so all is well."""

from labs.services.points import outside
from labs.services.points.orders import Orders


def carry_on(orders, order):
    if order.state == "placed":
        if outside.charge(order, key=order.id):
            orders.move(order, "paid")
        else:
            orders.release(order)
    elif order.state == "paid":
        orders.move(order, "shipped" if outside.ship(order, key=order.id) else "undoing")
    else:
        orders.release(order)


def main(settings, ready):
    orders = Orders(settings)
    for event in orders.events(ready):
        orders.place(event)
        while order := orders.unfinished():
            carry_on(orders, order)
