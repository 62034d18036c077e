"""Which product leads the sales report."""

from collections.abc import Iterable
from typing import Any


def best_first(products: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Products (sku, ordered, fulfilled, revenue), the one of which most pieces were ordered on top."""
    return sorted(products, key=lambda product: product["ordered"], reverse=True)
