"""Axes by layer that stand still while a network grows.

The end of the x-axis is one of three, and the y-axis has room for the line as it would go on to
that end. So where the depth goes from 20 to 50, a line keeps its slope on the screen and grows
longer.
"""

import numpy as np

LAYER_ENDS = (5, 15, 50)  # hidden layers that the x-axis has room for
DECADES = (
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
)  # where a y-axis of sizes may end, to each side of 1
ROOM = 1.05  # beyond the last point
SHORTER_SIDE = 0.1  # of the longer one, at least: so the line at 1 is seen


def end_for(depth: int) -> int:
    """Return how many layers the axis has room for."""
    return next(end for end in LAYER_ENDS if depth <= end)


def frame_layers(ax, depth: int) -> None:
    """Let the x-axis end where it does for other depths, too."""
    ax.set_xlim(0.5, end_for(depth) + 0.5)


def frame_sizes(ax, depth: int) -> None:
    """Frame what ``plots.by_layer`` drew of sizes relative to the last layer, as log10."""
    frame_layers(ax, depth)
    # crosses of an exact 0 lie on the floor, at 0 in units of the axes: they change nothing here
    logs = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.lines])
    finite = logs[np.isfinite(logs)]
    further = (end_for(depth) - 1) / max(depth - 1, 1)
    low = _decades(-ROOM * further * finite.min(initial=0))
    high = _decades(ROOM * further * finite.max(initial=0))
    ax.set_ylim(-max(low, SHORTER_SIDE * high), max(high, SHORTER_SIDE * low))


def _decades(reach):
    return next((decades for decades in DECADES if reach <= decades), reach)


def deepest_of(*arrays) -> int:
    """Return the depth of the deepest network drawn, from arrays (num_networks, depth)."""
    return max(array.shape[1] for array in arrays)
