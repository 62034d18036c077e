def may_see(caller, order):
    return order.customer_id == caller.id


def whose(caller):
    return None if caller.may("orders:all") else caller.id
