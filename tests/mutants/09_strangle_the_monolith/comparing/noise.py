def differences(old, new):
    return [{"where": part, "old": old[part], "new": new[part]} for part in old if old[part] != new[part]]
