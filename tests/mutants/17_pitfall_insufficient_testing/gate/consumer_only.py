def may_deploy(service, version, production, contracts, results):
    would = {**production, service: version}
    mine = [(c, p) for c, p in contracts if service == c and p in would]
    return all(results.get((c, would[c], p, would[p]), False) for c, p in mine)
