def may_see(caller, order):
    return order.customer_id == caller.id or caller.may("orders:all")


def whose(caller):
    return caller.id
