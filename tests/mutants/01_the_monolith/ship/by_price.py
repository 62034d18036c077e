def best_first(products):
    return sorted(products, key=lambda product: product["revenue"] / max(1, product["fulfilled"]), reverse=True)
