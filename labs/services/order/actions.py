"""What the names in the saga's table of steps do."""

from labs.services.order import events, store
from labs.services.order.fulfilment import Fulfilment
from labs.services.order.orchestrator import Actions
from labs.services.order.payments import Payments
from labs.services.order.provider import Provider
from labs.services.order.saga import Asked, Done, Outcome
from labs.services.order.settings import Settings
from labs.services.order.tables import Order


def payments(settings: Settings) -> Payments:
    """At the provider that the settings name."""
    return Payments(Provider("payments", settings.payments_url, settings.outside_key))


def actions(settings: Settings, payments: Payments) -> Actions:
    """All of them; `payments` is shared with the settlement."""
    fulfilment = Fulfilment(Provider("carrier", settings.carrier_url, settings.outside_key))
    return {
        "reserve": ask_stock,
        "release": release_stock,
        "charge": payments.charge,
        "refund": payments.refund,
        "repay": payments.repay,
        "ship": fulfilment.ship,
    }


def ask_stock(order: Order) -> Outcome:
    """Tell inventory-service again; it gives the same answer however often it is asked, as an event."""
    return Asked("order_placed", events.data("order_placed", order), store.ANSWER_IN)


def release_stock(_order: Order) -> Outcome:
    """Nothing to do here: inventory-service hears order_rejected or order_cancelled."""
    return Done()
