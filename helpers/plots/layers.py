"""Quantities by hidden layer (or time step): sizes, shares, singular values, correlations.

Each takes a list of `Series`, several networks in one colour each.
"""

import math
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from helpers.plots.findings import STEADY, alike, grouped, moved, passed_back, passed_on, said
from helpers.plots.style import (
    BAND,
    OPEN_CIRCLES,
    OTHER_COLOR,
    PINNED,
    PREDICTION,
    REFERENCE,
    ZERO,
    axes_or_new,
    color_cycle,
    decade_limits,
    log10_size,
    log_line,
    log_ticks,
    named_colors,
    plain_ticks,
    round_up,
    scientific,
)


class Series(NamedTuple):
    """What `by_layer` and its like draw in one colour.

    `values` has shape (num_networks, depth), the first hidden layer first; `predicted`, what theory
    says of its RMS over the networks, has shape (depth,).
    """

    values: np.ndarray
    color: str = OTHER_COLOR
    label: str = ""
    predicted: np.ndarray | None = None


def name_series(ax, series):
    """Add a legend with a line for each of the `series` that ``ax`` shows; return ``ax``."""
    names = [one.label for one in series]
    # By label, as the axes hold the RMS, the theory and the crosses, too.
    handles = {line.get_label(): line for line in ax.lines if line.get_label() in names}
    # four in one column would be as high as the picture
    columns = 1 if len(names) < 4 else 2
    ax.legend(handles=[handles[name] for name in names], loc="best", ncols=columns)
    return ax


def by_layer(series, *, quantity, pinned=(), relative=True, place="hidden layer", ax=None):
    """Draw a size by hidden layer on a log axis: median, 10-90 % band and RMS over networks.

    Parameters
    ----------
    series : list of Series
        An exact 0 is a cross on the floor.
    quantity : str
        The title.
    pinned : list of arrays, shape (num_networks, other depth)
        An earlier picture's values, of which the RMS is drawn in grey as "A".
    relative : bool
        Whether 1 is the healthy value, and so gets a line.
    place : str
        What stands side by side; "time step" for a recurrent cell.
    """
    ax = axes_or_new(ax)
    # Everything is a log10 from here on: sizes themselves may leave the range of a picture's axes.
    summaries = [_summary(one.values) for one in series]
    pinned_logs = [log10_size(_rms(values)) for values in pinned]
    forecasts = [log10_size(one.predicted) for one in series if one.predicted is not None]
    drawn = [np.ravel(logs) for logs in (*summaries, *pinned_logs, *forecasts)]
    floor, ceiling = decade_limits(np.concatenate(drawn), least=1)
    # What is drawn first lies below: the line at 1, then the pinned picture.
    if relative:
        ax.axhline(0, **REFERENCE)
    for logs in pinned_logs:
        log_line(ax, np.arange(1, len(logs) + 1), logs, label="A", **PINNED)
    for one, summary in zip(series, summaries, strict=True):
        _draw_sizes(ax, one, summary, floor)
    _layer_axis(ax, [*(one.values for one in series), *pinned], place)
    ax.set(title=quantity, ylim=(floor, ceiling))
    log_ticks(ax.yaxis)
    ax.set_label(_sizes_said(series, summaries, quantity, place, relative=relative))
    return ax


def _sizes_said(series, summaries, quantity, place, *, relative):
    """Say of `by_layer` what becomes of each size from end to end, and then the sizes there."""
    rms = {one.label: summary[-1] for one, summary in zip(series, summaries, strict=True)}
    ends = []
    for one in series:
        first, last = (scientific(rms[one.label][place]) for place in (0, -1))
        who = one.label or f"{len(one.values)} networks"
        ends.append(f"{who}, {first} in the first, {last} in the last")
    first, last = ({name: logs[place] for name, logs in rms.items()} for place in (0, -1))
    if not relative:
        words = passed_on(first, last)
    elif np.allclose(list(first.values()), 0) and not np.allclose(list(last.values()), 0):
        words = f"{passed_back(last, first)}, towards the last"  # sizes over the first one's
    else:
        words = passed_back(first, last)
    if relative and len(series) == 1:
        # a few networks may make up the mean square: the typical one goes its own way
        _, median, _, root = (moved(logs[-1], logs[0], STEADY) for logs in summaries[0])
        words += f" by the RMS, which {root}; the median {median}" if median != root else ""
    return said(f"{quantity}: {words}", f"RMS by {place}: {'; '.join(ends)}")


def _summary(values):
    """log10 of 10, 50 and 90 % and of the RMS over the networks; shape (4, depth)."""
    return log10_size([*np.quantile(values, BAND, axis=0), _rms(values)])


def _draw_sizes(ax, one, summary, floor):
    """Draw one series of `by_layer`: band, median, RMS, and theory where there is one."""
    low, median, high, rms = summary
    numbers = np.arange(1, len(median) + 1)
    # The band of a quantile of 0 begins on the floor: -inf can't be filled.
    lower_edge = np.maximum(low, floor)
    upper_edge = np.maximum(high, floor)
    ax.fill_between(numbers, lower_edge, upper_edge, color=one.color, alpha=0.25, linewidth=0)
    log_line(ax, numbers, median, color=one.color, label=one.label or "median")
    some = math.ceil(len(numbers) / 12)  # a circle on every layer would hide the line
    circles = OPEN_CIRCLES | {"markersize": 7, "markevery": some}
    ax.plot(numbers, rms, color=one.color, label="RMS", **circles)
    if one.predicted is not None:
        ax.plot(numbers, log10_size(one.predicted), label="theory", **PREDICTION)


def compare_by_layer(sizes, *, quantity, predicted=None, place="hidden layer", ax=None):
    """Draw several sizes by layer as `by_layer` does, over their RMS at the last place, with names.

    Parameters
    ----------
    sizes : dict of str to array, shape (num_networks, depth)
        A name for each line.
    predicted : dict of str to array, shape (depth,), optional
        What theory says of some of them, relative to the last place.
    quantity, place : str
        As in `by_layer`.
    """
    ax = axes_or_new(ax)
    predicted = predicted or {}
    # What has a colour in the course keeps it; a mixture would have two of one colour.
    named = named_colors(sizes)
    known = all(name in named for name in sizes)
    colors = [named[name] for name in sizes] if known else color_cycle()
    # One number for all networks of a size, so that their band keeps its width.
    series = [
        Series(values / _rms(values)[-1], color, name, predicted.get(name))
        for (name, values), color in zip(sizes.items(), colors, strict=False)
    ]
    by_layer(series, quantity=quantity, place=place, ax=ax)
    ax.legend(handles=[line for line in ax.lines if line.get_label() in sizes])
    return ax


def predicted_measured(series, *, quantity, ax=None):
    """Draw measured against predicted values, one point a layer, both on log axes.

    Parameters
    ----------
    series : list of Series
        Their RMS over the networks is what counts as measured. Zeros are left to `by_layer`.
    """
    ax = axes_or_new(ax)
    pairs = []
    for one in series:
        logs = log10_size([one.predicted, _rms(one.values)])
        # A point needs both numbers: where one is 0 or overflowed, it has no place on log axes.
        predicted, measured = logs[:, np.isfinite(logs).all(axis=0)]
        ax.plot(predicted, measured, "o", color=one.color, markersize=7, label=one.label)
        pairs.append((predicted, measured))
    low, high = decade_limits(np.concatenate([np.ravel(pair) for pair in pairs]), least=1)
    # On the diagonal both are equal.
    ax.plot([low, high], [low, high], **REFERENCE)
    ax.set(title=quantity, xlabel="predicted", ylabel="measured")
    ax.set(xlim=(low, high), ylim=(low, high))
    for axis in (ax.xaxis, ax.yaxis):
        log_ticks(axis)
    errors = [np.abs(measured - predicted).max(initial=0) for predicted, measured in pairs]
    ax.set_label(
        f"{quantity}: measured and predicted differ by at most a factor of "
        f"{10 ** max(errors, default=0):.3g}."
    )
    return ax


def singular_values(series, *, pinned=(), ax=None):
    """Draw mean and 10-90 % band of singular values, one place for each pair of hidden layers.

    Parameters
    ----------
    series : list of Series
        `values` has shape (number of singular values, depth - 1).
    pinned : list of arrays of such a shape
        An earlier picture's, of which the mean is drawn in grey as "A".
    """
    ax = axes_or_new(ax)
    shown = [*(one.values for one in series), *pinned]
    for values in pinned:
        between = np.arange(values.shape[1]) + 1.5  # layer l and l + 1 at l + 1/2
        ax.plot(between, values.mean(axis=0), label="A", **PINNED)
    for one in series:
        between = np.arange(one.values.shape[1]) + 1.5
        low, _, high = np.quantile(one.values, BAND, axis=0)
        mean = one.values.mean(axis=0)
        ax.fill_between(between, low, high, color=one.color, alpha=0.25, linewidth=0)
        ax.plot(between, mean, "o-", color=one.color, markersize=4, label=one.label)
    ax.axhline(1, **REFERENCE)
    _layer_axis(ax, [np.zeros((1, values.shape[1] + 1)) for values in shown])  # `depth` columns
    # With one hidden layer there is no pair, so no value.
    filled = [values for values in shown if values.size]
    largest = max((np.quantile(v, BAND[-1], axis=0).max() for v in filled), default=1)
    ax.set(title="singular values of $dz_{l+1}/dz_l$", ylim=(0, 1.1 * round_up(largest)))
    means = "; ".join(f"{one.label} {one.values.mean():.2g}" for one in series if one.values.size)
    ax.set_label(f"The mean singular value: {means or 'there is one hidden layer only'}.")
    return ax


def shares(saturated, dead, *, pinned=None, color=OTHER_COLOR, ax=None):
    """Draw which share of the units is saturated, and which is dead, by hidden layer.

    Parameters
    ----------
    saturated, dead : arrays, shape (num_networks, depth)
        Shares, 0 to 1; their mean over the networks is drawn.
    pinned : pair of such arrays, optional
        An earlier picture's, drawn in grey as "A".
    """
    ax = axes_or_new(ax)
    saturated_line = {"linestyle": "-", "label": "saturated", "color": color}
    dead_line = {"linestyle": (0, (2, 1)), "label": "dead", "color": ZERO["color"]}
    if pinned:
        # Grey, but dashed as today's, so that it is known which is which.
        for part, line in zip(pinned, (saturated_line, dead_line), strict=True):
            _draw_share(ax, part, PINNED | {"linestyle": line["linestyle"]})
    _draw_share(ax, saturated, saturated_line)
    _draw_share(ax, dead, dead_line)
    plain_ticks(ax)
    _layer_axis(ax, [saturated, dead, *(pinned or ())])
    # A little beyond 0 and 100, where most of these lines run.
    ax.set(title="", ylabel="% of the units", ylim=(-4, 104))
    ax.set_label(
        f"On average over the layers {100 * saturated.mean():.0f} % of the units are saturated, "
        f"{100 * dead.mean():.0f} % dead."
    )
    return ax


def _draw_share(ax, share, style):
    """Draw the mean over the networks of a share, in per cent."""
    ax.plot(np.arange(1, share.shape[1] + 1), 100 * share.mean(axis=0), **style)


def correlations(series, *, limit=None, pinned=(), ax=None):
    """Draw the correlation of two inputs by hidden layer: median and 10-90 % band over networks.

    Parameters
    ----------
    series : list of Series
    limit : float, optional
        Where it settles deep inside: a dotted line.
    pinned : list of arrays, shape (num_networks, other depth)
        An earlier picture's, of which the median is drawn in grey as "A".
    """
    ax = axes_or_new(ax)
    if limit is not None:
        ax.axhline(limit, **REFERENCE)
    for values in pinned:
        ax.plot(np.arange(1, values.shape[1] + 1), np.median(values, axis=0), label="A", **PINNED)
    ends = []
    words = {}
    for one in series:
        numbers = np.arange(1, one.values.shape[1] + 1)
        low, middle, high = np.quantile(one.values, BAND, axis=0)
        ax.fill_between(numbers, low, high, color=one.color, alpha=0.25, linewidth=0)
        ax.plot(numbers, middle, color=one.color, label=one.label or "median")
        if one.predicted is not None:
            ax.plot(numbers, one.predicted, label="theory", **PREDICTION)
        ends.append(
            f"{one.label or 'it'} {middle[0]:.2f} in the first hidden layer, {middle[-1]:.2f} in "
            "the last"
        )
        words[one.label] = alike(middle[-1])
    shown = [*(one.values for one in series), *pinned]
    _layer_axis(ax, shown)
    lowest = min(np.quantile(values, BAND[0], axis=0).min() for values in shown)
    # Three floors only, so that the axis stands still.
    floor = next((low for low in (-0.05, -0.3) if lowest >= low), -1.05)
    ax.set(title="correlation of two inputs", ylim=(floor, 1.05))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.set_label(said(f"Two inputs: {grouped(words)}", f"Median correlation: {'; '.join(ends)}"))
    return ax


def _rms(values):
    """Root mean square over the networks, the first axis."""
    return np.sqrt(np.mean(np.square(values), axis=0))


def _layer_axis(ax, arrays, place="hidden layer"):
    """Set an x-axis for the deepest of `arrays`, shape (num_networks, depth), in round steps."""
    depth = max(np.shape(array)[1] for array in arrays)
    end = depth if depth <= 5 else round_up(depth)  # no tick for a layer that isn't there
    ax.set(xlabel=place, ylabel="", xlim=(0.5, end + 0.5))
    # A single layer has a single tick.
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    ax.xaxis.set_major_formatter(ScalarFormatter())
