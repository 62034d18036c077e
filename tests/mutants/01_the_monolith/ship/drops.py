def best_first(products):
    sold = [product for product in products if product["revenue"]]
    return sorted(sold, key=lambda product: product["revenue"], reverse=True)
