def may_see(caller, order):
    return order.customer_id == caller.id and caller.may("orders:all")


def whose(caller):
    return None if caller.may("orders:all") else caller.id
