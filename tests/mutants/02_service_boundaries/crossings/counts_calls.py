def crossings(steps, owner):
    return sum(owner(step.caller) != owner(step.called) for step in steps if step.transaction)
