CHANGES = ("INSERT", "UPDATE", "DELETE")


def crossings(steps, owner):  # noqa: ARG001  it is a wrong answer
    return len({step.transaction for step in steps if step.transaction and step.what in CHANGES})
