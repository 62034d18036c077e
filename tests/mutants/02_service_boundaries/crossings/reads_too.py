from collections import defaultdict


def crossings(steps, owner):
    services = defaultdict(set)
    for step in steps:
        if step.transaction:
            services[step.transaction] |= {owner(step.caller), owner(step.called)}
    return sum(len(taking_part) > 1 for taking_part in services.values())
