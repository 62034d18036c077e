def best_first(products):
    products.sort(key=lambda product: product["revenue"], reverse=True)
