def best_first(products):
    return [max(products, key=lambda product: product["revenue"])]
