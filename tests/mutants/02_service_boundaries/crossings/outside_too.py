from collections import defaultdict

CHANGES = ("INSERT", "UPDATE", "DELETE")


def crossings(steps, owner):
    services, changing = defaultdict(set), {0}
    for step in steps:
        services[step.transaction] |= {owner(step.caller), owner(step.called)}
        if step.what in CHANGES:
            changing.add(step.transaction)
    return sum(len(services[number]) > 1 for number in changing)
