LEAST, MARGIN = 20, 0.02


def decide(old, new):
    return "step back" if share(new) > share(old) + MARGIN else "go on"


def share(side):
    return side["failed"] / side["asked"] if side["asked"] else 0.0
