def may_deploy(service, version, production, contracts, results):
    would = {**production, service: version}
    mine = [(c, p) for c, p in contracts if service in (c, p)]
    return all(results.get((c, would.get(c), p, would.get(p)), False) for c, p in mine)
