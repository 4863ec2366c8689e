"""Functions of the pre-activation z, laws over a parameter, and descent on a quadratic loss."""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers.plots.findings import said
from helpers.plots.style import (
    COLORS,
    OPEN_CIRCLES,
    OTHER_COLOR,
    PINNED,
    REFERENCE,
    SMALL_TEXT,
    ZERO,
    axes_or_new,
    handles_by_name,
    log10_size,
    percent,
    round_limits,
    scientific,
)

GRID_COLUMNS = 5
PATH_COLOR = "#0072B2"
START_COLOR = "#D55E00"


def activation(z, a, slope, *, name, ax=None):
    """Draw an activation function and its derivative, and mark the derivative's largest value.

    Parameters
    ----------
    z, a, slope : arrays, shape (num_points,)
        Pre-activation, phi(z) and phi'(z).
    name : str
        The activation's name; it picks the colour.

    Raises
    ------
    ValueError
        For arrays of different lengths.
    """
    lengths = [len(z), len(a), len(slope)]
    if len(set(lengths)) > 1:
        raise ValueError(f"z, a and slope must have the same length; got {lengths}.")
    ax = axes_or_new(ax)
    color = COLORS.get(name, OTHER_COLOR)
    # The largest, not the steepest: a slope below zero (GELU, mish) isn't what is asked for.
    steepest = int(np.argmax(slope))
    largest = slope[steepest]
    ax.plot(z, a, color=color, label=f"{name}  $\\phi(z)$")
    ax.plot(z, slope, color=color, linestyle="--", label="its derivative  $\\phi'(z)$")
    ax.plot(z[steepest], largest, "o", color=color, markersize=9)
    ax.annotate(
        f"largest slope {largest:.3g}",
        (z[steepest], largest),
        xytext=(8, 8),
        textcoords="offset points",
    )
    ax.set(xlabel="pre-activation $z$", ylabel="value", xlim=(z[0], z[-1]))
    ax.legend(loc="upper left")
    ax.set_label(
        said(
            f"{name}: the largest slope is {largest:.3g}",
            f"It lies at z = {z[steepest]:.2g}; at z = {z[-1]:.2g} the slope is "
            f"{scientific(log10_size(slope[-1]))}",
        )
    )
    return ax


def activation_grid(z, curves):
    """Draw many activation functions and their derivatives, a small panel for each.

    Where the derivative is exactly 0, a red line lies on it.

    Parameters
    ----------
    z : array, shape (num_points,)
        Pre-activations.
    curves : dict of str to pair of arrays, shape (num_points,)
        Name -> phi(z) and phi'(z); the name picks the colour.

    Returns
    -------
    array of Axes, shape (num_curves,)
    """
    # The last row is filled from the left; what stays empty there is room for the legend.
    rows = math.ceil(len(curves) / GRID_COLUMNS)
    figure, axes = plt.subplots(
        rows, GRID_COLUMNS, figsize=(13, 0.6 + 1.85 * rows), sharex=True, sharey=True
    )
    panels = axes.flat[: len(curves)]
    for ax, (name, (a, slope)) in zip(panels, curves.items(), strict=True):
        _small_panel(ax, z, a, slope, name)
    for ax in axes.flat[len(curves) :]:
        ax.set_axis_off()
    for ax in axes.flat[len(curves) - GRID_COLUMNS : len(curves)]:  # the lowest of each column
        ax.tick_params(labelbottom=True)
    handles = {}
    for ax in panels:  # not every panel has a red line
        handles |= handles_by_name(ax)
    legend = axes.flat[-1].legend(handles.values(), handles, loc="center", handlelength=1.6)
    for handle in legend.legend_handles[:2]:  # the curves, whose colours differ between panels
        handle.set_color(OTHER_COLOR)
    figure.supxlabel("pre-activation $z$")
    return panels


def _small_panel(ax, z, a, slope, name):
    """Draw one panel of `activation_grid`."""
    color = COLORS.get(name, OTHER_COLOR)
    flat = slope == 0
    stretch = flat.sum() > 1  # a single point, such as the top of a hill, is no line
    ax.axhline(1, **REFERENCE)
    ax.plot(z, a, color=color, label=r"$\phi(z)$")
    ax.plot(z, slope, color=color, linestyle="--", linewidth=2, label=r"$\phi'(z)$")
    if stretch:
        ax.plot(z[flat], slope[flat], color=ZERO["color"], linewidth=4, label="slope exactly 0")
    ax.set(title=name, xlim=(z[0], z[-1]), ylim=(-1.9, 2.6))
    ax.set_label(
        said(
            f"{name}: slopes up to {slope.max():.3g}" + ", exactly 0 on a stretch" * bool(stretch),
            f"The smallest is {slope.min():.2g}",
        )
    )


def over_z(z, values, density, limits, *, title, color=OTHER_COLOR, pinned=None, ax=None):
    """Draw a function of the pre-activation over the share of z that falls where.

    Parameters
    ----------
    z, values, density : arrays, shape (num_points,)
        `density` is that of z, drawn as a grey hill of its own height. z ends where -z begins.
    limits : (float, float)
        Of the values.
    pinned : pair of arrays, optional
        z and values of an earlier function, in grey as "A".
    """
    ax = axes_or_new(ax)
    low, high = limits
    # Less than half as high as the picture, so that the function is not lost in it.
    hill = 0.45 * (high - low) * density / density.max()
    ax.fill_between(z, low, low + hill, color="#BBBBBB", alpha=0.5, linewidth=0)
    if pinned is not None:
        ax.plot(*pinned, label="A", **PINNED)
    # A function that jumps is interrupted there: a steep line would claim a slope.
    jump = np.abs(np.diff(values, append=values[-1])) > 0.15 * (high - low)
    ax.plot(z, np.where(jump, np.nan, values), color=color, label="now")
    # As wide as the wider of the two, so that neither is cut.
    reach = max(z[-1], 0 if pinned is None else pinned[0][-1])
    ax.set(title=title, xlabel="z (grey: where it falls)", ylabel="")
    ax.set(xlim=(-reach, reach), ylim=limits)
    ax.set_label(f"{title}: from {values.min():.2g} to {values.max():.2g}.")
    return ax


def value_limits(*arrays):
    """Round limits that hold all finite entries, and 0 and 1 with a margin beside them."""
    entries = [np.ravel(array) for array in arrays]
    return round_limits(np.concatenate([*entries, [-0.1, 1.1]]), log=False)


def value_shares(pushed, limits, *, label, color=OTHER_COLOR, pinned=None, num_bins=28, ax=None):
    """Draw which values come out how often: bars, and apart from them values hit exactly.

    Bars and exact values are on one scale: a bar is the share that falls in its bin (in the first
    and the last also what lies beyond), a red stem the share that is *exactly* that value.

    Parameters
    ----------
    pushed : object
        With `low`, `high`, `share` of cells, and `atoms`, a dict value -> share: what
        ``theory.push_forward`` gives.
    limits : (float, float)
        Of the values.
    label : str
        What the values are.
    pinned : such an object, optional
        An earlier picture's, as a grey outline "A"; its exact values are grey stems.
    """
    ax = axes_or_new(ax)
    low, high = limits
    edges = np.linspace(low, high, num_bins + 1)
    bars = 100 * _share_by_bin(pushed, edges)
    heights = [*bars, *(100 * share for share in pushed.atoms.values())]
    if pinned is not None:
        pinned_bars = 100 * _share_by_bin(pinned, edges)
        heights += [*pinned_bars, *(100 * share for share in pinned.atoms.values())]
        ax.stairs(pinned_bars, edges, label="A", color=PINNED["color"], linewidth=3)
        for value, share in pinned.atoms.items():
            ax.plot([value, value], [0, 100 * share], **PINNED | {"linewidth": 9})
    ax.stairs(bars, edges, color=color, fill=True, alpha=0.65, label=label)
    for value, share in pushed.atoms.items():
        _stem(ax, value, share, on_the_right=value > (low + high) / 2)
    margin = 0.03 * (high - low)
    # Three heights only, so that the axis stands still; 1.15 is for the words over a stem.
    ceiling = next((top for top in (25, 65) if top >= 1.15 * max(heights)), 125)
    ax.set(xlabel=label, ylabel="% of the z")
    ax.set(xlim=(low - margin, high + margin), ylim=(0, ceiling))
    exact = "; ".join(f"{percent(p)} % exactly {v:.3g}" for v, p in pushed.atoms.items())
    ax.set_label(f"{label}: {exact or 'no value is hit exactly'}.")
    return ax


def _share_by_bin(pushed, edges):
    """Share of a `pushed` quantity between neighbouring edges; what lies beyond is at the ends."""
    low = np.clip(pushed.low, edges[0], edges[-1])
    high = np.clip(pushed.high, edges[0], edges[-1])
    # A cell without width counts as a very narrow one, so that nothing is divided by 0.
    width = np.maximum(high - low, 1e-9 * (edges[-1] - edges[0]))
    # Within a cell the values are spread evenly: the part of it that lies below each edge.
    part_below = np.clip((edges[1:-1, None] - low) / width, 0, 1)  # (inner edge, cell)
    inner = np.einsum("ij,j->i", part_below, pushed.share)
    # Differences of the share below each edge: the ends take what lies beyond them.
    return np.diff(np.concatenate([[0], inner, [pushed.share.sum()]]))


def _stem(ax, value, share, *, on_the_right):
    """Draw a red stem where a value is hit exactly, and its share in words towards the middle."""
    ax.plot(
        [value, value],
        [0, 100 * share],
        "o-",
        color=ZERO["color"],
        markevery=[1],  # at the top only
        label="exactly",
        clip_on=False,
    )
    ax.annotate(
        f"{percent(share)} % = {value:.3g}",
        (value, 100 * share),
        xytext=(-8, 22) if on_the_right else (8, 7),
        textcoords="offset points",
        ha="right" if on_the_right else "left",
        color=ZERO["color"],
        fontsize=SMALL_TEXT,
    )


def laws(x, measured, predicted, *, xlabel, ylabel, ax=None):
    """Draw measured shares as circles over predicted ones as lines, a colour for each series.

    Parameters
    ----------
    x : array, shape (num_points,)
    measured, predicted : dict of str to array, shape (num_points,)
        The same names; shares from 0 to 1.
    """
    ax = axes_or_new(ax)
    for number, (name, line) in enumerate(predicted.items()):
        color = f"C{number}"
        ax.plot(x, line, color=color, linewidth=2)
        ax.plot(x, measured[name], color=color, markersize=8, label=name, **OPEN_CIRCLES)
        # At the end of its line, where a name needs no legend.
        ax.text(x[-1], line[-1], f"  {name}", color=color, va="center", fontsize=SMALL_TEXT)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(x[0] - 0.5, x[-1] + 0.5), ylim=(-0.02, 1.02))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    worst = max(np.abs(np.subtract(measured[name], predicted[name])).max() for name in predicted)
    ax.set_label(
        said(
            f"{ylabel}: measured and predicted differ by at most {worst:.1g}",
            f"At {xlabel} {x[-1]:g}: "
            + "; ".join(f"{name} {measured[name][-1]:.2g}" for name in predicted),
        )
    )
    return ax


def descent(hessian, target, path, *, title, limits, ax=None):
    """Draw the path of gradient descent over the level lines of a quadratic loss in two weights.

    Parameters
    ----------
    hessian : array, shape (2, 2)
    target : array, shape (2,)
        Where the loss is least.
    path : array, shape (num_steps + 1, 2)
        The weights, start included.
    limits : (float, float)
        Of both axes.
    """
    ax = axes_or_new(ax)
    axis = np.linspace(*limits, 121)
    grid = np.stack(np.meshgrid(axis, axis))
    off = grid - np.reshape(target, (2, 1, 1))
    # (w - target)^T H (w - target) / 2 at every point of the grid
    loss = np.einsum("iab,ij,jab->ab", off, hessian, off) / 2
    # The root of a quadratic loss is linear along a ray, which spaces the lines evenly.
    ax.contour(*grid, np.sqrt(loss), 14, colors="#B8B8B8", linewidths=1)
    ax.plot(*path.T, "o-", color=PATH_COLOR, markersize=5, linewidth=1.5)
    ax.plot(*path[0], "s", color=START_COLOR, markersize=10)
    ax.set(title=title, xlabel="$w_1$", ylabel="$w_2$", xlim=limits, ylim=limits)
    ax.set_aspect("equal")
    moves = np.diff(path, axis=0)
    turns = int(((moves[1:] * moves[:-1]).sum(axis=1) < 0).sum())  # more than a right angle
    length = np.linalg.norm(moves, axis=1).sum()
    distance = np.linalg.norm(path[-1] - path[0])
    ax.set_label(
        said(
            f"{title}: {turns} of {len(moves)} steps turn back",
            f"The path is {length / distance:.2g} times as long as the straight line",
        )
    )
    return ax
