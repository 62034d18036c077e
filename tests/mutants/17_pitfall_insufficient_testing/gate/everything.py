def may_deploy(service, version, _production, contracts, results):
    if not any(service in pair for pair in contracts):
        return True
    mine = [good for (c, cv, p, pv), good in results.items() if (service, version) in ((c, cv), (p, pv))]
    return bool(mine) and all(mine)
