LEAST, MARGIN = 20, 0.02


def decide(_old, new):
    if new["asked"] < LEAST:
        return "wait"
    return "step back" if share(new) > 0.5 else "go on"


def share(side):
    return side["failed"] / side["asked"] if side["asked"] else 0.0
