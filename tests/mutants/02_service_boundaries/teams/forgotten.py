from labs.classroom.cutting import names


def teams(change, sources, owner):
    wanted = set(change["names"])
    return {next(owner(part) for part, text in sources.items() if names(text) & wanted)}
