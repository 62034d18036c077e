from labs.classroom.cutting import names


def teams(change, sources, owner):
    return {owner(part) for part, text in sources.items() if set(change["names"]) <= names(text)}
