def may_deploy(service, version, production, contracts, results):
    would = {**production, service: version}
    mine = [(c, p) for c, p in contracts if service in (c, p) and c in would and p in would]
    return all(results[c, would[c], p, would[p]] for c, p in mine)
