def teams(change, sources, owner):  # noqa: ARG001  it is a wrong answer
    return {owner(part) for part in sources}
