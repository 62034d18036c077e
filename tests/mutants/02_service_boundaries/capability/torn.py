# By layer: nobody reaches for a foreign table, and every request crosses the borders again and again.
SERVICES = {
    "web-service": ["*.api", "*.views.*", "*.shapes", "*.schemas"],
    "data-service": ["db.*", "*.store", "*.stores.*", "*.tables", "*.worker", "*.contacts", "*.sending", "*.start"],
    "money-service": ["order.settle*", "order.night*", "order.orchestrator"],
    "logic-service": ["*"],
}
