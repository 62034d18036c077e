from itertools import count


def visits(rate):  # noqa: ARG001  it is a wrong answer
    for number in count():
        yield 0.0, "buy" if number % 4 == 0 else "look"


def waited(due, sent, answered):  # noqa: ARG001  it is a wrong answer
    return answered - due
