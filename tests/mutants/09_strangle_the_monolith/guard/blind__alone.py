LEAST, MARGIN = 20, 0.02


def decide(old, new):
    if new["asked"] < LEAST:
        return "wait"
    return "step back" if old["asked"] and share(new) > share(old) + MARGIN else "go on"


def share(side):
    return side["failed"] / side["asked"] if side["asked"] else 0.0
