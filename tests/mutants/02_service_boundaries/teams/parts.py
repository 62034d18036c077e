from labs.classroom.cutting import names


def teams(change, sources, owner):  # noqa: ARG001  it is a wrong answer
    wanted = set(change["names"])
    return {part for part, text in sources.items() if names(text) & wanted}
