def crossings(steps, owner):
    services = {}
    for step in steps:
        services[step.transaction] |= {owner(step.caller), owner(step.called)}
    return sum(len(taking_part) > 1 for taking_part in services.values())
