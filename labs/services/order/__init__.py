"""order-service owns the orders, from placed to confirmed or rejected."""
