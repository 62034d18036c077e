from itertools import count


def visits(rate):
    for number in count():
        yield number / rate, "look" if number % 4 == 0 else "buy"


def waited(due, sent, answered):  # noqa: ARG001  it is a wrong answer
    return answered - due
