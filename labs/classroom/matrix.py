"""A matrix of versions as a picture: consumers down, providers across, in each field whether they fit."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from labs.classroom.figures import plot

LOOKS = {True: ("#cfe8d1", "", "fits"), False: ("#f0b4ae", "//", "does not fit")}


def grid(results: Mapping[tuple[str, int, str, int], bool]) -> Figure:
    """`results` are by (consumer, its version, provider, its version). A pair that was not verified stays empty."""
    consumers = list(dict.fromkeys((consumer, version) for consumer, version, _, _ in results))
    providers = list(dict.fromkeys((provider, version) for _, _, provider, version in results))
    figure, axes = plot(figsize=(2.6 + 1.8 * len(providers), 0.9 + 0.7 * len(consumers)))
    for (consumer, theirs, provider, ours), good in results.items():
        x, y = providers.index((provider, ours)), consumers.index((consumer, theirs))
        colour, hatch, words = LOOKS[good]
        axes.barh(y, 0.94, left=x - 0.47, height=0.88, color=colour, hatch=hatch, edgecolor="white")
        box = {"facecolor": colour, "edgecolor": "none", "pad": 2}
        axes.text(x, y, words, ha="center", va="center", fontsize=10, bbox=box)
    axes.set(xlim=(-0.5, len(providers) - 0.5), ylim=(len(consumers) - 0.5, -0.5))
    axes.set_xticks(range(len(providers)), [f"{name} {version}" for name, version in providers])
    axes.set_yticks(range(len(consumers)), [f"{name} {version}" for name, version in consumers])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure
