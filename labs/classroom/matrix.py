"""A matrix of versions as a picture: consumers down, providers across, in each field whether they fit."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from labs.classroom.figures import Field, fields

LOOKS = {True: ("#cfe8d1", "", "fits"), False: ("#f0b4ae", "//", "does not fit")}


def grid(results: Mapping[tuple[str, int, str, int], bool]) -> Figure:
    """`results` are by (consumer, its version, provider, its version). A pair that was not verified stays empty."""
    consumers = list(dict.fromkeys((consumer, version) for consumer, version, _, _ in results))
    providers = list(dict.fromkeys((provider, version) for _, _, provider, version in results))
    said = []
    for (consumer, theirs, provider, ours), good in results.items():
        x, y = providers.index((provider, ours)), consumers.index((consumer, theirs))
        colour, hatch, words = LOOKS[good]
        said.append(Field(x, y, words, colour, hatch, 10, 2))
    down, across = ([f"{name} {version}" for name, version in each] for each in (consumers, providers))
    return fields(down, across, said, figsize=(2.6 + 1.8 * len(providers), 0.9 + 0.7 * len(consumers)))
