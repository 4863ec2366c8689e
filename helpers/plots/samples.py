"""How measured numbers are distributed: dots by network, quantiles by layer, densities."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers.plots.findings import levels, said
from helpers.plots.style import (
    OTHER_COLOR,
    PINNED,
    PREDICTION,
    REFERENCE,
    SMALL_TEXT,
    ZERO,
    axes_or_new,
    color_cycle,
    log10_size,
    log_ticks,
    named_colors,
    number_in_words,
    plain_ticks,
    round_limits,
    round_up,
)


def spread(measured, *, label, log=False, limits=None, reference=None, ax=None):
    """Draw one number of many networks, a dot for each, in a row for each setting or layer.

    A bar marks the median of a row. An exact 0 on a log scale is a cross on the floor.

    Parameters
    ----------
    measured : dict of str to array, shape (num_networks,)
        Setting (or layer) -> what was measured. An activation, initializer or layer gives its row
        the colour that it has everywhere, also before a comma: "tanh, 3 layers".
    label : str
        What it is, with its unit.
    log : bool
        Draw the sizes on a log scale.
    limits : (float, float), optional
        Of a linear axis; in round steps round the numbers if left out.
    reference : (float, str), optional
        A value to mark with a dotted line, and its name.
    """
    # as high as its rows need, so that the picture is in sight below the cell that draws it
    ax = axes_or_new(ax, (8, 0.9 + 0.32 * len(measured)))
    rows = {name: np.asarray(row, float).ravel() for name, row in measured.items()}
    if log:
        rows = {name: log10_size(row) for name, row in rows.items()}
    limits = limits or round_limits(np.concatenate([*rows.values()]), log=log)
    colors = _row_colors(rows)
    for number, (name, row) in enumerate(rows.items()):
        _draw_row(ax, number, row, limits, color=colors[name], label=name)
    if reference is not None:
        value, name = reference
        _mark_reference(ax, float(log10_size(value)) if log else value, name)
    # The first row is at the top, as one reads.
    ax.set(xlim=limits, ylim=(len(rows) - 0.5, -0.5), xlabel=label + " (log scale)" * log)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.grid(axis="y", visible=False)
    if log:
        log_ticks(ax.xaxis)
    medians = []
    for name, row in rows.items():
        numbers = (np.median(row), row.min(), row.max())
        middle, lowest, highest = (number_in_words(number, log=log) for number in numbers)
        medians.append(f"{name} {middle} ({lowest} to {highest})")
    finding = levels({name: np.median(row) for name, row in rows.items()}, limits)
    ax.set_label(said(f"{label}: {finding}", f"Median (range): {'; '.join(medians)}"))
    return ax


def _row_colors(names):
    """Give each row the colour of what stands before the comma in its name."""
    heads = {name: str(name).split(",")[0] for name in names}
    # Each head once, so that two rows of one layer don't take two steps of the ramp.
    colors = named_colors(dict.fromkeys(heads.values()))
    return {name: colors.get(head, OTHER_COLOR) for name, head in heads.items()}


def _mark_reference(ax, position, name):
    """Draw a dotted line through all rows, and its name above them."""
    above = {"transform": ax.get_xaxis_transform(), "va": "bottom", "fontsize": SMALL_TEXT}
    ax.axvline(position, **REFERENCE)
    ax.text(position, 1, f" {name}", **above)


def _draw_row(ax, number, row, limits, *, color, label):
    """Draw a row of `spread`: a dot each, crosses for log 0, a bar at the median."""
    low, high = limits
    # Side by side within the row, in the order given, so that equal numbers don't hide each other.
    heights = number + np.linspace(-0.25, 0.25, len(row))
    finite = np.isfinite(row)
    zero = np.isneginf(row)
    # A dot on the edge is drawn whole; one beyond the limits must not be seen.
    within = ((row[finite] >= low) & (row[finite] <= high)).all()
    dots = {"color": color, "alpha": 0.6, "markersize": 7, "clip_on": not within}
    ax.plot(row[finite], heights[finite], "o", label=label, **dots)
    if zero.any():
        ax.plot(np.full(zero.sum(), low), heights[zero], "x", **ZERO)
    # Of a row of zeros the median is log 0: its bar stands on the floor.
    middle = max(np.median(row), low)
    ax.plot([middle, middle], [number - 0.36, number + 0.36], color="black", linewidth=3)


def distributions(arrays, colors, *, pinned=None, ax=None):
    """Draw how the entries of several arrays are distributed: one row each, the first at the top.

    A thin line from the 2.5th to the 97.5th percentile, a thick one from the 25th to the 75th, and
    a dot at the median.

    Parameters
    ----------
    arrays, pinned : dict of str to array
        By layer; entries that aren't numbers are left out. `pinned` is an earlier picture's, drawn
        in grey.
    colors : dict of str to str
        As `layer_colors` gives them.
    """
    ax = axes_or_new(ax)
    rows = {name: row for row, name in enumerate(arrays)}
    quantiles = _finite_quantiles(arrays, [0.025, 0.25, 0.5, 0.75, 0.975])
    pinned_ends = _finite_quantiles(pinned or {}, [0.025, 0.975])
    reach = max((np.abs(q).max() for q in quantiles.values()), default=1)
    for name, ends in pinned_ends.items():
        if name in rows:  # the earlier network may have had more layers
            reach = max(reach, *np.abs(ends))
            ax.plot(ends, [rows[name]] * 2, **PINNED | {"linewidth": 14})
    for name, (low, left, middle, right, high) in quantiles.items():
        row = rows[name]
        box = {"color": colors[name], "linewidth": 7, "solid_capstyle": "butt"}
        ax.plot([low, high], [row, row], color=colors[name], linewidth=2)
        ax.plot([left, right], [row, row], **box)
        ax.plot(middle, row, "o", color="white", markersize=5)
    # A tenth of room; round_up has no steps below 1, so it is asked for ten times the reach.
    reach = round_up(11 * reach) / 10
    ax.set(title="weights by layer", xlabel="weight", ylabel="")
    ax.set(xlim=(-reach, reach), ylim=(len(rows) - 0.5, -0.5))
    plain_ticks(ax)
    ax.set_yticks(range(len(rows)), list(rows))
    halves = "; ".join(f"{name} {q[1]:.2g} to {q[3]:.2g}" for name, q in quantiles.items())
    ax.set_label(f"The middle half of the weights: {halves}.")
    return ax


def _finite_quantiles(arrays, shares):
    """Quantiles of the finite entries of each array that has any."""
    finite = {name: array[np.isfinite(array)] for name, array in arrays.items()}
    return {name: np.quantile(array, shares) for name, array in finite.items() if array.size}


def histograms(arrays, *, label, exact=None, exact_name="exact law", ax=None):
    """Draw how the entries of several arrays are distributed, as densities on one scale.

    Parameters
    ----------
    arrays : dict of str to array
        Layer (or another name) -> values, of any shape. The axis ends at the 99.9th percentile of
        the widest; if entries lie beyond, the finding says so.
    label : str
        What the values are.
    exact : tuple of two arrays, optional
        Values, and the probability density there: drawn as a dashed line.
    exact_name : str
        What that density is, for the legend.
    """
    ax = axes_or_new(ax)
    arrays = {name: np.ravel(array) for name, array in arrays.items()}
    edges = _bin_edges(arrays.values())
    low = edges[0]
    high = edges[-1]
    colors = named_colors(arrays)
    other_colors = color_cycle()
    for name, array in arrays.items():
        # Over all entries, so that the area is the share of them that lies inside.
        density = np.histogram(array, edges)[0] / (len(array) * (edges[1] - edges[0]))
        color = colors[name] if name in colors else next(other_colors)
        ax.stairs(density, edges, color=color, linewidth=2, label=name)
    if exact is not None:
        ax.plot(*exact, label=exact_name, **PREDICTION)
    ax.set(xlabel=label, ylabel="density", xlim=(low, high))
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.set_ylim(bottom=0)
    beyond = max(np.mean((array < low) | (array > high)) for array in arrays.values())
    spreads = {name: array.std() for name, array in arrays.items()}
    numbers = "; ".join(f"{name} {number_in_words(s, log=False)}" for name, s in spreads.items())
    outside = f". Up to {100 * beyond:.1f} % lie outside" if beyond > 0 else ""
    finding = f"{label}, standard deviation: {levels(spreads, (0, max(spreads.values())))}"
    ax.set_label(said(finding, f"It is: {numbers}{outside}"))
    return ax


def _bin_edges(arrays):
    """Edges of equal bins for all `arrays`: from 0 for sizes, else as far to the left as right."""
    # Not the largest: one far entry would squeeze all the others into a few bins.
    reach = max(np.quantile(np.abs(array), 0.999) for array in arrays) or 1.0
    low = 0.0 if min(array.min() for array in arrays) >= 0 else -reach
    fewest = min(len(array) for array in arrays)
    # The square root keeps bins and the counts in them in balance: few values, wide bins.
    num_bins = int(np.clip(np.sqrt(fewest), 10, 100))
    return np.linspace(low, reach, num_bins + 1)
