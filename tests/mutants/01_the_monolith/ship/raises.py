def best_first(products):
    return sorted(products, key=lambda product: product["amount"], reverse=True)
