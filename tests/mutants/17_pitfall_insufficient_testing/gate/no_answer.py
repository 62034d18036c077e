def may_deploy(service, version, production, contracts, results):
    would = {**production, service: version}
    for c, p in contracts:
        if service in (c, p) and c in would and p in would and not results.get((c, would[c], p, would[p])):
            return False
    return None
