def differences(old, new):
    found = unlike("status", old["status"], new["status"])
    media = [answer["headers"].get("Content-Type") for answer in (old, new)]
    return found + unlike("Content-Type", *media) + unlike("", old["body"], new["body"])


def unlike(where, old, new):
    if isinstance(old, dict) and isinstance(new, dict):
        return [one for key in old for one in unlike(f"{where}.{key}".strip("."), old[key], new[key])]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [one for number, pair in pairs for one in unlike(f"{where}[{number}]", *pair)]
    same = type(old) is type(new) and old == new
    return [] if same else [{"where": where, "old": old, "new": new}]
