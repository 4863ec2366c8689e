"""The simplest explorer: how much of the gradient arrives, layer by layer (the first page)."""

from helpers import plots
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import new_draw, whole
from helpers.explorers.frames import deepest_of, frame_sizes
from helpers.explorers.networks import Profile, color_of, profile_of
from helpers.explorers.words import judge, size_in_words

NETWORK = {  # what Keras gives a sigmoid layer by default
    "activation": "sigmoid",
    "initializer": "glorot_uniform",
    "width": 5,
    "normalization": "none",
    "residual": False,
    "dataset": "circles",
}
DEEPEST = 15  # layers that one and the same axis has room for


def depth_explorer(**first) -> Explorer:
    """Explore how much of the gradient arrives at the first of many sigmoid layers (notebook 00).

    One slider, and one picture: the size of delta in each hidden layer of ten networks that nobody
    has trained, relative to the last layer's.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.

    Raises
    ------
    ValueError
        For a name or a value that no control has.
    """
    controls = {
        "depth": whole(10, 1, DEEPEST, description="layers"),
        "seed": new_draw(),
    }
    panels = [Panel("gradient that arrives (log scale)", _draw, ("A", "median", "RMS"))]
    return Explorer(controls, _compute, panels, _find, size=(7.4, 3.9), first=first)


def _compute(depth, seed) -> Profile:
    return profile_of(depth=depth, seed=seed, **NETWORK)


def _draw(ax, now, pinned):
    series = plots.Series(now.relative("delta_norm"), color_of("sigmoid"))
    before = [] if pinned is None else [pinned.relative("delta_norm")]
    title = "gradient that arrives (log scale)"
    plots.by_layer([series], quantity=title, pinned=before, ax=ax)
    frame_sizes(ax, deepest_of(series.values, *before))
    ax.set_ylabel("÷ last layer's")


def _find(now):
    depth = now.measured.sizes["layer"]
    if depth == 1:
        return Finding("One layer: nothing to travel through. Add some.")
    word, dead = judge(now.measured["delta_norm"].values)
    size = size_in_words(now.ratio())
    return Finding(
        f"{word.capitalize()}: {dead}of the gradient at layer {depth}, {size} arrives at layer 1.",
        {"what arrives at layer 1": size},
    )
