import json


def differences(old, new):
    said = [json.dumps([answer["status"], answer["body"]]) for answer in (old, new)]
    return [] if said[0] == said[1] else [{"where": "body", "old": said[0], "new": said[1]}]
