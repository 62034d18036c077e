def teams(change, sources, owner):
    return {owner(part) for part, text in sources.items() if any(name in text for name in change["names"])}
