"""Pictures of a plane: a data set, what a network says of it, the phases, depth by network."""

import itertools
import math

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots.findings import listed, said
from helpers.plots.style import (
    PINNED,
    SMALL_TEXT,
    axes_or_new,
    color_cycle,
    log10_size,
    plain_ticks,
)

HERE_COLOR = "#FFD400"  # bright on blue and on red
REACH_COLOR = "#D55E00"
REACH_TEXT_COLOR = "#8A3A00"  # the same hue, dark enough to read
NUM_BOUNDARY_POINTS = 300  # more would hide the shade under them
LEARNED = 0.9  # accuracy above which a network counts as one that has learned
MARKERS = "o^sDv"  # of the classes, again and again


def points(dataset, *, ax=None):
    """Draw a data set in the plane, a colour and a marker for each class.

    Raises
    ------
    ValueError
        If `dataset` hasn't two inputs.
    """
    if dataset.num_inputs != 2:
        raise ValueError(f"points needs 2 inputs; {dataset.name!r} has {dataset.num_inputs}.")
    ax = axes_or_new(ax)
    classes = np.unique(dataset.y).astype(int)
    counts = []
    distances = []
    for label, color, marker in zip(classes, color_cycle(), itertools.cycle("os^Dv"), strict=False):
        x = dataset.x[dataset.y == label]
        ax.scatter(*x.T, s=16, color=color, marker=marker, alpha=0.7, label=f"class {label}")
        counts.append(f"{len(x)} of class {label}")
        distances.append(f"{np.linalg.norm(x, axis=1).mean():.2g}")
    # in steps of a half; the same on all four sides, so that a circle is round
    size = max(np.ceil(2 * np.abs(dataset.x).max()), 1) / 2
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-size, size), ylim=(-size, size))
    ax.set_aspect("equal")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
    ax.set_label(
        said(
            f"{dataset.name}: {len(dataset)} points in {len(classes)} classes",
            f"{', '.join(counts)}; their mean distances from the middle are {', '.join(distances)}",
        )
    )
    return ax


def decision_boundary(dataset, outputs, extent, *, ax=None):
    """Draw what a network says all over the plane, under the points that it learns from.

    Parameters
    ----------
    dataset : Dataset
        Two inputs.
    outputs : array, shape (rows, columns)
        The probability of class 1, from the lower left; of more than two classes the likeliest.
    extent : (float, float, float, float)
        Left, right, bottom, top of the plane shown.
    """
    ax = axes_or_new(ax)
    last_class = int(dataset.y.max())
    shade = {"vmin": 0, "vmax": last_class, "cmap": "PuOr_r", "alpha": 0.85}
    # Between the numbers of three classes there is nothing to be said.
    shade["interpolation"] = "bilinear" if last_class == 1 else "nearest"
    # Order -1: under the grid.
    ax.imshow(outputs, origin="lower", extent=extent, aspect="auto", zorder=-1, **shade)
    x = dataset.x[:NUM_BOUNDARY_POINTS]
    y = dataset.y[:NUM_BOUNDARY_POINTS]
    edge = {"markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.5}
    # Darker than the shades of the two classes, so that a point in the wrong place is seen.
    colors = ("#5B2C83", "#B35806")
    if last_class > 1:
        colors = plt.colormaps["PuOr_r"](np.linspace(0, 1, last_class + 1))
    for label, color, marker in zip(
        range(last_class + 1), colors, itertools.cycle(MARKERS), strict=False
    ):
        ax.plot(*x[y == label].T, marker, color=color, label=f"class {label}", **edge)
    ax.set(title="", xlabel="shade: what one network says", ylabel="")
    ax.set(xlim=extent[:2], ylim=extent[2:])
    plain_ticks(ax)
    share = float((np.abs(np.asarray(outputs) - 1) < 0.5).mean())
    ax.set_label(f"{dataset.name}: the network says class 1 on {100 * share:.0f} % of the plane.")
    return ax


def phase_map(
    chi, weight_variances, bias_variances, *, line=None, place=None, pinned=None, ax=None
):
    """Draw where gradients vanish (blue) and explode (red), over the variances of the weights.

    The colour is log10 of sqrt(chi), the factor by which a layer multiplies delta; white is 1.

    Parameters
    ----------
    chi : array, shape (n, m)
        A row for each of the n bias variances, which are evenly spaced; the m weight variances
        are so on a log scale.
    line : pair of arrays, optional
        Weight and bias variances of the critical line.
    place, pinned : (float, float), optional
        Where a network stands, and one pinned as "A"; beyond the map it is drawn at its edge.
    """
    ax = axes_or_new(ax)
    x = log10_size(weight_variances)
    box = (x[0], x[-1], bias_variances[0], bias_variances[-1])
    shade = {"vmin": -0.2, "vmax": 0.2, "cmap": "RdBu_r", "interpolation": "bilinear"}
    # An explorer keeps what has the id "background" when a slider moves only the points.
    background = {"gid": "background"}
    layout = {"origin": "lower", "extent": box, "aspect": "auto", "zorder": -1}
    ax.imshow(log10_size(chi) / 2, **shade, **layout, **background)
    if line is not None:
        ax.plot(log10_size(line[0]), line[1], color="black", label="critical", **background)
    if pinned is not None:
        _mark_network(ax, pinned, box, color=PINNED["color"], label="A")
    if place is not None:
        _mark_network(ax, place, box, color=HERE_COLOR, label="here")
    plate = {"color": "white", "alpha": 0.75, "pad": 2, "linewidth": 0}
    words = {"transform": ax.transAxes, "va": "top", "bbox": plate}
    ax.text(0.05, 0.94, "vanishing", ha="left", **words)
    ax.text(0.95, 0.2, "exploding", ha="right", **words)
    ax.set(xlabel="weight variance $\\sigma_w^2$ (log scale)", ylabel="bias variance $\\sigma_b^2$")
    ax.set(title="", xlim=box[:2], ylim=box[2:])
    ax.grid(visible=False)
    _ticks_within_decades(ax, *box[:2])
    below = float(np.mean(np.asarray(chi) < 1))
    ax.set_label(
        f"Gradients vanish on {100 * below:.0f} % of the map, to the left of the critical line"
        + (f", which meets zero bias at {line[0][0]:.3g}." if line is not None else ".")
    )
    return ax


def _mark_network(ax, variances, box, *, color, label):
    """Draw a point of `phase_map`, at the edge if it lies beyond."""
    weight_variance, bias_variance = variances
    left, right, bottom, top = box
    # Kept on the map: a network far off is shown in its direction.
    spot = np.clip([log10_size(weight_variance), bias_variance], (left, bottom), (right, top))
    edge = {"markeredgecolor": "black", "markeredgewidth": 2}
    ax.plot(*spot, "o", color=color, markersize=13, clip_on=False, label=label, **edge)


def _ticks_within_decades(ax, left, right):
    """Label 1, 2 and 5 of each decade, on an axis from log10 `left` to `right`."""
    decades = range(math.floor(left), math.ceil(right) + 1)
    steps = [step * 10.0**k for k in decades for step in (1, 2, 5)]
    inside = [step for step in steps if left <= math.log10(step) <= right]
    ax.set_xticks([math.log10(step) for step in inside], [f"{step:g}" for step in inside])


def trainability(accuracy, depths, columns, *, reach, name="reach", ax=None):
    """Draw how well networks of several depths learned, and how deep theory lets them be.

    Parameters
    ----------
    accuracy : array, shape (number of columns, number of depths)
        From 0.5 (dark) to 1 (bright).
    depths : sequence of int
        Increasing.
    columns : sequence of str
        A name for each column, such as that of an initializer.
    reach : array, shape (number of columns,)
        A depth to mark in each column, by a bar called `name`; above the picture it's an arrow.
    """
    ax = axes_or_new(ax)
    accuracy = np.asarray(accuracy)
    edges = _cell_edges(depths)
    sides = np.arange(len(columns) + 1) - 0.5
    white_lines = {"edgecolor": "white", "linewidth": 2}
    # Guessing, 0.5, is as dark as it gets.
    ax.pcolormesh(sides, edges, accuracy.T, vmin=0.5, vmax=1, **white_lines)
    for column, (row, depth) in enumerate(zip(accuracy, np.asarray(reach, float), strict=True)):
        _write_accuracies(ax, column, depths, row)
        _mark_reach(ax, column, depth, edges[-1], name)
    ax.set(ylabel="hidden layers", xlim=(sides[0], sides[-1]), ylim=(edges[0], edges[-1]))
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(list(depths))
    ax.grid(visible=False)
    findings = []
    for column_name, row in zip(columns, accuracy, strict=True):
        by_depth = (f"{value:.2f} at {depth}" for depth, value in zip(depths, row, strict=True))
        findings.append(f"{column_name} {', '.join(by_depth)}")
    learned = {name: row > LEARNED for name, row in zip(columns, accuracy, strict=True)}
    deepest = [
        f"{name} {f'to {np.array(depths)[row].max()} layers' if row.any() else 'nowhere'}"
        for name, row in learned.items()
    ]
    finding = f"Most networks learn: {listed(deepest)}"
    ax.set_label(said(finding, f"Median accuracy by depth: {'; '.join(findings)}"))
    return ax


def _cell_edges(depths):
    """Edges of cells that meet midway between `depths`; the outer ones are symmetric, from 0 up."""
    middles = (np.array(depths[1:]) + depths[:-1]) / 2
    return [max(0, 2 * depths[0] - middles[0]), *middles, 2 * depths[-1] - middles[-1]]


def _write_accuracies(ax, column, depths, accuracies):
    """Write a column of `trainability` into its cells, white on dark ones."""
    centred = {"ha": "center", "va": "center", "fontsize": SMALL_TEXT}
    for depth, value in zip(depths, accuracies, strict=True):
        # The colour map turns bright at about its middle, 0.75.
        color = "white" if value < 0.75 else "black"
        ax.text(column, depth, f"{value:.2f}", color=color, **centred)


def _mark_reach(ax, column, depth, top, name):
    """Draw a bar at `depth` over a column of `trainability`, or an arrow at the `top`, in words."""
    if depth < top:
        bar = {"linewidth": 5, "solid_capstyle": "butt"}
        sides = [column - 0.5, column + 0.5]
        ax.plot(sides, [depth, depth], color=REACH_COLOR, label="reach", **bar)
    else:
        arrow = {"marker": "^", "markersize": 13, "clip_on": False}
        # Upwards, as the depth lies beyond the picture.
        ax.plot(column, top, color=REACH_COLOR, label="reach", **arrow)
    ax.annotate(
        f"{name} = {depth:.2g}" if depth < 1000 else f"{name} > 1000",
        # at a bar's left end, since the cells' numbers stand in the middle
        (column - 0.48 if depth < top else column, min(depth, top)),
        xytext=(0, 6 if depth < top else 12),  # points: clear of the bar, or of the arrow
        textcoords="offset points",
        color=REACH_TEXT_COLOR,
        ha="left" if depth < top else "center",
        fontsize=SMALL_TEXT,
        annotation_clip=False,
    )
