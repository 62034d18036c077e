from collections import defaultdict

CHANGES = ("INSERT", "UPDATE", "DELETE")


def crossings(steps, owner):
    services, changing = defaultdict(set), set()
    for step in steps:
        if step.transaction:
            services[step.transaction].add(owner(step.called))
            if step.what in CHANGES:
                changing.add(step.transaction)
    return sum(len(services[number]) > 1 for number in changing)
