def may_deploy(service, _version, production, contracts, results):
    mine = [(c, p) for c, p in contracts if service in (c, p) and c in production and p in production]
    return all(results.get((c, production[c], p, production[p]), False) for c, p in mine)
