"""Changes of the shop's code that lab 17 has: each a list of edits (file, what was there, what is there now)."""

from collections.abc import Mapping, Sequence

Edit = tuple[str, str, str]

PRICES = "prices as the catalogue has them"
COMMITS: Mapping[str, Sequence[Edit]] = {
    PRICES: (
        (
            "inventory/views/schemas.py",
            """class PricesOut(BaseModel):
    \"\"\"The prices, and the products that are not in the catalogue.\"\"\"

    items: list[PriceOut]
""",
            """class QuoteOut(BaseModel):
    \"\"\"What a product costs, in the form that GET /products has.\"\"\"

    sku: str
    price: Money
    version: int


class PricesOut(BaseModel):
    \"\"\"The prices, and the products that are not in the catalogue.\"\"\"

    items: list[QuoteOut]
""",
        ),
        (
            "inventory/views/catalogue.py",
            "[PriceOut.model_validate(p, from_attributes=True) for p in products]",
            "[_quote(p) for p in products]",
        ),
        (
            "inventory/views/catalogue.py",
            """def _past_price(price: Price) -> PastPriceOut:
""",
            """def _quote(product: Any) -> dict[str, Any]:
    price = {"amount": product.amount, "currency": product.currency}
    return {"sku": product.sku, "price": price, "version": product.version}


def _past_price(price: Price) -> PastPriceOut:
""",
        ),
    ),
}
"""By what their authors call them."""

_CHOSEN = "parcel = importlib.import_module(f\"labs.services.{}.parcel_{{os.environ.get('VERSION', '1')}}\")\n"
VERSIONS: Sequence[Edit] = (
    (
        "order/events.py",
        "from collections.abc import Mapping\nfrom datetime import date\n",
        "import importlib\nimport os\nfrom collections.abc import Mapping\nfrom datetime import date\n",
    ),
    (
        "order/events.py",
        "from labs.services.order.tables import Order\n",
        "from labs.services.order.tables import Order\n\n" + _CHOSEN.format("order"),
    ),
    ("order/events.py", "    tracking_code: str\n", ""),
    (
        "order/events.py",
        "    return {name: _field(order, name) for name in TOLD[event_type].model_fields}\n",
        "    said = {name: _field(order, name) for name in TOLD[event_type].model_fields}\n"
        '    return said | parcel.told(order) if event_type == "order_fulfilled" else said\n',
    ),
    (
        "notification/worker.py",
        "from functools import cache\n",
        "import importlib\nimport os\nfrom functools import cache\n",
    ),
    (
        "notification/worker.py",
        "from labs.services.notification.settings import Settings\n",
        "from labs.services.notification.settings import Settings\n\n" + _CHOSEN.format("notification"),
    ),
    (
        "notification/worker.py",
        "OrderNews.model_validate(event.data)",
        "OrderNews.model_validate(parcel.read(event.data))",
    ),
)
"""What order-service says of a parcel, and how notification-service reads it, in files of their own: parcel_1.py, parcel_2.py
and so on. The setting VERSION says which."""
