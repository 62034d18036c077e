from labs.classroom.cutting import names


def teams(change, sources, owner):
    return {owner(part) for part, text in sources.items() if change["names"][0] in names(text)}
