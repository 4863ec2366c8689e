"""Arrays in, a matplotlib ``Axes`` out.

Every function takes ``ax`` (None makes a figure) and returns it, sets its own limits in round
steps, so that a moving picture doesn't jump, and leaves one sentence, the finding computed from
the data, as the label of the axes. `show` puts figure and sentence into the notebook.

Long products leave the range of floating-point numbers, so sizes are drawn as their log10 on a
linear axis whose ticks read 10 to the k. An exact 0 has no logarithm: it is a cross on the floor.
"""

import base64
import html
import io
import itertools
import math
import textwrap
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, ScalarFormatter

# One colour an activation, everywhere in the course; relatives share a hue.
COLORS = {
    "linear": "#000000",
    "sigmoid": "#D55E00",
    "tanh": "#0072B2",
    "softsign": "#56B4E9",
    "relu": "#009E73",
    "leaky_relu": "#7CAE00",
    "prelu": "#117733",
    "rrelu": "#999933",
    "elu": "#CC79A7",
    "selu": "#882255",
    "gelu": "#E69F00",
    "silu": "#AA7744",
    "mish": "#661100",
    "softplus": "#AA4499",
}
# One colour a rule for initial weights, where rules are compared.
RULE_COLORS = {
    "random_normal": "#0072B2",
    "standard_normal": "#D55E00",
    "heuristic_uniform": "#009E73",
    "glorot_uniform": "#CC79A7",
    "he_uniform": "#E69F00",
    "orthogonal": "#56B4E9",
}
OTHER_COLOR = "#555555"
OUTPUT_COLOR = "#D55E00"  # the output layer; hidden layers run from dark to light, input side first
LOG_SCALE = ("delta_norm", "gradient_norm", "gradient_std", "update_ratio")  # sizes above 0
TIGHT = {"handlelength": 1.4, "handletextpad": 0.5, "columnspacing": 1.0, "borderpad": 0}
ZERO = {"color": "#B00020", "markersize": 8, "markeredgewidth": 2.5, "clip_on": False}
SUPERSCRIPTS = str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹")
REFERENCE = {"color": "#333333", "linewidth": 1.5, "linestyle": (0, (1, 1.5))}
PREDICTION = {"color": "#000000", "linewidth": 2, "linestyle": "--"}
PINNED = {"color": "#8A8A8A", "linewidth": 5, "alpha": 0.6, "solid_capstyle": "butt"}


class Series(NamedTuple):
    """What `by_layer` and its like draw in one colour.

    `values` has shape (num_networks, depth), the first hidden layer first; `predicted`, what theory
    says of its RMS over the networks, has shape (depth,).
    """

    values: np.ndarray
    color: str = OTHER_COLOR
    label: str = ""
    predicted: np.ndarray | None = None


def activation(z, a, slope, *, name, ax=None):
    """Draw an activation function and its derivative, and mark the derivative's largest value.

    Parameters
    ----------
    z, a, slope : arrays, shape (num_points,)
        Pre-activation, phi(z) and phi'(z).
    name : str
        The activation's name; it picks the colour.
    """
    ax = _axes(ax)
    color = COLORS.get(name, OTHER_COLOR)
    at = int(np.argmax(slope))
    ax.plot(z, a, color=color, label=f"{name}  $\\phi(z)$")
    ax.plot(z, slope, color=color, linestyle="--", label="its derivative  $\\phi'(z)$")
    ax.plot(z[at], slope[at], "o", color=color, markersize=9)
    ax.annotate(
        f"largest slope {slope[at]:.3g}",
        (z[at], slope[at]),
        xytext=(8, 8),
        textcoords="offset points",
    )
    ax.set(xlabel="pre-activation $z$", ylabel="value", xlim=(z[0], z[-1]))
    ax.legend(loc="upper left")
    ax.set_label(
        f"{name}: the largest slope is {slope[at]:.3g}, at z = {z[at]:.2g}; "
        f"at z = {z[-1]:.2g} it is {scientific(_log10(slope[-1]))}."
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
    columns = 5
    rows = math.ceil(len(curves) / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(13, 0.6 + 2.25 * rows), sharex=True, sharey=True
    )
    for ax, (name, (a, slope)) in zip(axes.flat, curves.items(), strict=False):
        color = COLORS.get(name, OTHER_COLOR)
        ax.axhline(1, **REFERENCE)
        ax.plot(z, a, color=color, label=r"$\phi(z)$")
        ax.plot(z, slope, color=color, linestyle="--", linewidth=2, label=r"$\phi'(z)$")
        off = slope == 0
        if off.sum() > 1:
            ax.plot(z[off], slope[off], color=ZERO["color"], linewidth=4, label="slope exactly 0")
        ax.set(title=name, xlim=(z[0], z[-1]), ylim=(-1.9, 2.6))
        ax.set_label(
            f"{name}: slopes from {slope.min():.2g} to {slope.max():.3g}"
            + (", exactly 0 on a stretch." if off.sum() > 1 else ".")
        )
    shown = {}
    for ax in axes.flat[: len(curves)]:
        shown |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    for ax in axes.flat[len(curves) :]:
        ax.set_axis_off()
    for ax in axes.flat[len(curves) - columns : len(curves)]:  # the lowest of each column
        ax.tick_params(labelbottom=True)
    legend = axes.flat[-1].legend(shown.values(), shown, loc="center", handlelength=1.6)
    for handle in legend.legend_handles[:2]:
        handle.set_color("#555555")
    figure.supxlabel("pre-activation $z$")
    return axes.flat[: len(curves)]


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
    ax = _axes(ax)
    low, high = limits
    hill = 0.45 * (high - low) * density / density.max()
    ax.fill_between(z, low, low + hill, color="#BBBBBB", alpha=0.5, linewidth=0)
    if pinned is not None:
        ax.plot(*pinned, label="A", **PINNED)
    jump = np.abs(np.diff(values, append=values[-1])) > 0.15 * (high - low)
    ax.plot(z, np.where(jump, np.nan, values), color=color, label="now")
    reach = max(z[-1], 0 if pinned is None else pinned[0][-1])
    ax.set(title=title, xlabel="z (grey: where it falls)", ylabel="", xlim=(-reach, reach),
           ylim=limits)  # fmt: skip
    ax.set_label(f"{title}: from {values.min():.2g} to {values.max():.2g}.")
    return ax


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
    ax = _axes(ax)
    low, high = limits
    edges = np.linspace(low, high, num_bins + 1)
    both = [pushed] if pinned is None else [pushed, pinned]
    heights = [100 * _binned(one, edges) for one in both]
    atoms = [100 * share for one in both for share in one.atoms.values()]
    top = max(*(h.max() for h in heights), *atoms, 1.0)
    if pinned is not None:
        ax.stairs(heights[1], edges, label="A", color="#8A8A8A", linewidth=3, alpha=0.7)
        for value, share in pinned.atoms.items():
            ax.plot([value] * 2, [0, 100 * share], **PINNED | {"linewidth": 9})
    ax.stairs(heights[0], edges, color=color, fill=True, alpha=0.65, label=label)
    for value, share in pushed.atoms.items():
        ax.plot([value] * 2, [0, 100 * share], "o-", color=ZERO["color"], markevery=[1],
                label="exactly", clip_on=False)  # fmt: skip
        right = value > (low + high) / 2
        ax.annotate(
            f"{percent(share)} % = {value:.3g}", (value, 100 * share),
            xytext=(-8, 22) if right else (8, 7), textcoords="offset points",
            ha="right" if right else "left", color=ZERO["color"], fontsize=12,
        )  # fmt: skip
    margin = 0.03 * (high - low)
    ceiling = next(c for c in (25, 65, 125) if c >= 1.15 * top or c == 125)
    ax.set(xlabel=label, ylabel="% of the z", xlim=(low - margin, high + margin), ylim=(0, ceiling))
    said = "; ".join(f"{percent(p)} % exactly {v:.3g}" for v, p in pushed.atoms.items())
    ax.set_label(f"{label}: {said or 'no value is hit exactly'}.")
    return ax


def percent(share):
    """Write a share in per cent, for a sentence; only all of it is 100."""
    text = f"{100 * share:.3g}"
    if text == "100" and share < 1:
        missing = float(f"{100 - 100 * share:.1g}")
        text = f"{100 - missing:.12g}"
    return text


def value_limits(*arrays):
    """Round limits that hold all finite entries, and 0 and 1 with room beside them."""
    return _value_limits(np.concatenate([*map(np.ravel, arrays), [-0.1, 1.1]]), log=False)


def _binned(pushed, edges):
    """Share of a `pushed` quantity between neighbouring edges; what lies beyond is at the ends."""
    low = np.clip(pushed.low, edges[0], edges[-1])
    high = np.clip(pushed.high, edges[0], edges[-1])
    width = np.maximum(high - low, 1e-9 * (edges[-1] - edges[0]))
    part = np.clip((edges[1:-1, None] - low) / width, 0, 1)
    below = np.concatenate([[0], np.einsum("ij,j->i", part, pushed.share), [pushed.share.sum()]])
    return np.diff(below)


def laws(x, measured, predicted, *, xlabel, ylabel, ax=None):
    """Draw measured shares as circles over predicted ones as lines, a colour for each series.

    Parameters
    ----------
    x : array, shape (num_points,)
    measured, predicted : dict of str to array, shape (num_points,)
        The same names; shares from 0 to 1.
    """
    ax = _axes(ax)
    for number, (name, line) in enumerate(predicted.items()):
        ax.plot(x, line, color=f"C{number}", linewidth=2)
        ax.plot(x, measured[name], "o", color=f"C{number}", fillstyle="none", markersize=8,
                label=name)  # fmt: skip
        ax.text(x[-1], line[-1], f"  {name}", color=f"C{number}", va="center", fontsize=12)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(x[0] - 0.5, x[-1] + 0.5), ylim=(-0.02, 1.02))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    worst = max(np.abs(np.subtract(measured[name], predicted[name])).max() for name in predicted)
    ax.set_label(
        f"{ylabel}, at {xlabel} {x[-1]:g}: "
        + "; ".join(f"{name} {measured[name][-1]:.2g}" for name in predicted)
        + f". Measured and predicted differ by at most {worst:.1g}."
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
    ax = _axes(ax)
    grid = np.stack(np.meshgrid(*[np.linspace(*limits, 121)] * 2))
    off = grid - np.reshape(target, (2, 1, 1))
    loss = np.einsum("iab,ij,jab->ab", off, hessian, off) / 2
    ax.contour(*grid, np.sqrt(loss), 14, colors="#B8B8B8", linewidths=1)
    ax.plot(*path.T, "o-", color="#0072B2", markersize=5, linewidth=1.5)
    ax.plot(*path[0], "s", color="#D55E00", markersize=10)
    ax.set(title=title, xlabel="$w_1$", ylabel="$w_2$", xlim=limits, ylim=limits)
    ax.set_aspect("equal")
    moves = np.diff(path, axis=0)
    turns = int(((moves[1:] * moves[:-1]).sum(axis=1) < 0).sum())
    length, distance = np.linalg.norm(moves, axis=1).sum(), np.linalg.norm(path[-1] - path[0])
    ax.set_label(
        f"{title}: {len(moves)} steps, {turns} of them turn back; the path is "
        f"{length / distance:.2g} times as long as the straight line."
    )
    return ax


def factors(values, *, color=OTHER_COLOR, ax=None):
    """Draw the sizes of the factors of one product, bar by bar, from the reference line 1.

    Parameters
    ----------
    values : array, shape (depth,)
        The factors; only their sizes are drawn. An exact 0 is a cross on the floor.
    """
    ax = _axes(ax)
    values = np.asarray(values)
    numbers, logs = np.arange(1, len(values) + 1), _log10(values)
    low, high = _limits(logs, least=2)
    zeros = np.isneginf(logs)
    ax.vlines(numbers[~zeros], 0, logs[~zeros], color=color, linewidth=2)
    ax.plot(numbers[~zeros], logs[~zeros], "o", color=color, markersize=5)
    if zeros.any():
        ax.plot(numbers[zeros], np.full(zeros.sum(), low), "x", **ZERO)
    ax.axhline(0, **REFERENCE)
    _product_axes(ax, len(values), low, high, "size of each factor")
    ax.set_label(
        f"{int((np.abs(values) > 1).sum())} of {len(values)} factors are above 1, "
        f"{int(zeros.sum())} are exactly 0."
    )
    return ax


def running_product(
    values, *, labels=None, predicted=None, pinned=None, color=OTHER_COLOR, ax=None
):
    """Draw how a product of many factors grows or shrinks, factor by factor, on a log axis.

    Parameters
    ----------
    values : array, shape (depth,) or (num_draws, depth)
        The factors; a line for each draw.
    labels : list of str, optional
        A name for each line, which then gets a colour of its own instead of `color`.
    predicted : float, optional
        Expected log10 of one factor: drawn as a dashed line.
    pinned : array, shape (other depth,), optional
        The factors of an earlier product, drawn in grey as "A".
    """
    ax = _axes(ax)
    values = np.atleast_2d(values)
    numbers = np.arange(values.shape[1] + 1)
    before = _log10(np.concatenate([[1], [] if pinned is None else pinned])).cumsum()
    logs = np.concatenate([np.zeros((len(values), 1)), _log10(values).cumsum(axis=1)], axis=1)
    finite_prediction = predicted is not None and math.isfinite(predicted)
    line = numbers * predicted if finite_prediction else np.zeros(1)
    low, high = _limits(np.concatenate([logs.ravel(), line, before]), least=2)
    if pinned is not None:
        _log_line(ax, np.arange(len(before)), before, label="A", **PINNED)
    if labels:
        cycle = itertools.cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
        styles = [{"label": label, "color": next(cycle)} for label in labels]
    else:
        many = {"linewidth": 1.2, "alpha": 0.6} if len(values) > 3 else {}
        styles = [{"color": color, **many}] * len(values)
    for row, style in zip(logs, styles, strict=True):
        alive = np.isfinite(row)
        ax.plot(numbers[alive], row[alive], **style)
        if not alive.all():
            first = numbers[~alive][0]
            ax.plot([first, numbers[-1]], [low, low], marker="x", markevery=2, **ZERO)
            ax.text(first, low, " exactly 0", color=ZERO["color"], va="bottom")
    if finite_prediction:
        ax.plot(numbers, line, label="predicted", **PREDICTION)
    ax.axhline(0, label="nothing lost", **REFERENCE)
    if labels:
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)
    else:
        small_legend(ax, "A", "predicted", "nothing lost")
    depth = max(values.shape[1], len(before) - 1)
    _product_axes(ax, depth, low, high, "product so far")
    last = logs[:, -1]
    if labels:
        ends = "; ".join(
            f"{label}: {scientific(end)}" for label, end in zip(labels, last, strict=True)
        )
        ax.set_label(f"The product of {values.shape[1]} factors, {ends}.")
    else:
        draws = f" (median of {len(last)} draws)" if len(last) > 1 else ""
        ax.set_label(
            f"The product of {values.shape[1]} factors: {scientific(np.median(last))}{draws}."
        )
    return ax


def log10_histogram(products, *, exact=None, thresholds=(), color=OTHER_COLOR, ax=None):
    """Draw how many decades many products lost, with the exact law over the bars.

    Parameters
    ----------
    products : array, shape (num_draws,)
        Positive products.
    exact : tuple of two arrays, optional
        log10 values, and the probability density there.
    thresholds : sequence of float
        Sizes to mark, such as 1e-18.
    """
    ax = _axes(ax)
    logs = _log10(products)
    ax.hist(logs, bins=60, density=True, color=color, alpha=0.55, label=f"{len(logs):,} draws")
    if exact is not None:
        ax.plot(*exact, label="exact law", **PREDICTION)
    for threshold in thresholds:
        ax.axvline(np.log10(threshold), **REFERENCE)
        ax.text(
            np.log10(threshold),
            0.97,
            f" {_power(np.log10(threshold))}",
            va="top",
            fontsize="large",
            transform=ax.get_xaxis_transform(),
        )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
    ax.set(xlabel="product (log scale)", ylabel="density per power of ten")
    ax.margins(y=0.1)
    ax.legend(loc="upper left")
    low, middle, high = np.quantile(logs, [0.05, 0.5, 0.95])
    above = [f"{100 * (products > t).mean():.1f} % are above {t:.0e}" for t in thresholds]
    ax.set_label(
        f"{len(logs):,} products: the median is {scientific(middle)}, 90 % lie "
        f"between {scientific(low)} and {scientific(high)}" + "".join(f"; {a}" for a in above) + "."
    )
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
    ax = _axes(ax)
    curves = [
        _log10([*np.quantile(one.values, [0.1, 0.5, 0.9], axis=0), _rms(one.values)])
        for one in series
    ]
    before = [_log10(_rms(values)) for values in pinned]
    forecasts = [None if one.predicted is None else _log10(one.predicted) for one in series]
    everything = [*curves, *before, *(f for f in forecasts if f is not None)]
    floor, top = _limits(np.concatenate([np.ravel(logs) for logs in everything]), least=1)
    if relative:
        ax.axhline(0, **REFERENCE)
    for logs in before:
        _log_line(ax, np.arange(1, len(logs) + 1), logs, label="A", **PINNED)
    for one, (low, median, high, rms), forecast in zip(series, curves, forecasts, strict=True):
        numbers = np.arange(1, len(median) + 1)
        band = np.maximum(low, floor), np.maximum(high, floor)
        ax.fill_between(numbers, *band, color=one.color, alpha=0.25, linewidth=0)
        _log_line(ax, numbers, median, color=one.color, label=one.label or "median")
        some = math.ceil(len(numbers) / 12)  # a circle on every layer would hide the line
        ax.plot(
            numbers, rms, "o", color=one.color, fillstyle="none", markersize=7, markevery=some,
            label="RMS",
        )  # fmt: skip
        if forecast is not None:
            ax.plot(numbers, forecast, label="theory", **PREDICTION)
    _layer_axis(ax, [*(one.values for one in series), *pinned], place)
    ax.set(title=quantity, ylim=(floor, top))
    _log_ticks(ax.yaxis)
    ax.set_label(
        f"{quantity}, RMS by {place}: "
        + "; ".join(
            f"{one.label or len(one.values)}{'' if one.label else ' networks'}, "
            f"{scientific(logs[3][0])} in the first, {scientific(logs[3][-1])} in the last"
            for one, logs in zip(series, curves, strict=True)
        )
        + "."
    )
    return ax


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
    ax, cycle = _axes(ax), plt.rcParams["axes.prop_cycle"].by_key()["color"]
    series = [
        Series(values / _rms(values)[-1], color, name, (predicted or {}).get(name))
        for (name, values), color in zip(sizes.items(), itertools.cycle(cycle), strict=False)
    ]
    by_layer(series, quantity=quantity, place=place, ax=ax)
    ax.legend(handles=[line for line in ax.lines if line.get_label() in sizes])
    return ax


def points(dataset, *, ax=None):
    """Draw a data set in the plane, a colour and a marker for each class.

    Raises
    ------
    ValueError
        If `dataset` hasn't two inputs.
    """
    if dataset.num_inputs != 2:
        raise ValueError(f"points needs 2 inputs; {dataset.name!r} has {dataset.num_inputs}.")
    ax = _axes(ax)
    colors = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    classes = np.unique(dataset.y).astype(int)
    for label, color, marker in zip(
        classes, itertools.cycle(colors), itertools.cycle("os^Dv"), strict=False
    ):
        x = dataset.x[dataset.y == label]
        ax.scatter(*x.T, s=16, color=color, marker=marker, alpha=0.7, label=f"class {label}")
    size = _round_up(10 * np.abs(dataset.x).max()) / 10
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-size, size), ylim=(-size, size))
    ax.set_aspect("equal")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
    counts = ", ".join(f"{(dataset.y == label).sum()} of class {label}" for label in classes)
    radius = ", ".join(
        f"{np.linalg.norm(dataset.x[dataset.y == label], axis=1).mean():.2g}" for label in classes
    )
    ax.set_label(
        f"{dataset.name}: {len(dataset)} points, {counts}; "
        f"their mean distances from the middle are {radius}."
    )
    return ax


def over_epochs(recording, name, *, legend=True, pinned=None, ax=None):
    """Draw one quantity of a recording against the epoch, a line for each layer.

    With several replicates a line is their median, in a band from the 10th to the 90th percentile.
    Norms, spreads of gradients and update ratios are on a log scale.

    Parameters
    ----------
    recording : xarray.Dataset
        What ``train`` or ``WeightCapture`` gives.
    name : str
        A variable of it, such as "gradient_norm", "weight_std" or "loss".
    legend : bool
        Whether to name the layers.
    pinned : xarray.Dataset, optional
        An earlier recording, its lines in grey as "A".
    """
    ax = _axes(ax)
    if name not in recording:
        raise ValueError(f"name must be one of {', '.join(recording)}; got {name!r}.")
    array, epochs = recording[name], recording.epoch.values
    if "layer" in array.dims:
        array = array.transpose("replicate", "step", "layer")
        colors = layer_colors(array.layer.values)
    else:
        array = array.transpose("replicate", "step").expand_dims(layer=[name], axis=-1)
        colors = {name: OTHER_COLOR}
    values = np.where(np.isfinite(array.values), array.values, np.nan)
    low, middle, high = _quantiles(values)
    log = name in LOG_SCALE
    if log:
        low, middle, high = _log10(low), _log10(middle), _log10(high)
    everything = [low, middle, high]
    if pinned is not None:
        before = _quantiles(_finite(pinned[name].values))[1].reshape(pinned.sizes["step"], -1)
        everything.append(_log10(before) if log else before)
    floor, ceiling = _value_limits(np.concatenate([e.ravel() for e in everything]), log=log)
    if pinned is not None:
        ax.plot(pinned.epoch, everything[-1], **PINNED | {"linewidth": 3}, label="A")
    for number, layer in enumerate(array.layer.values):
        color, line = colors[layer], middle[:, number]
        alive, zero = np.isfinite(line), np.isneginf(line)
        dot = "o" if alive.sum() == 1 else ""  # a line of one point would not be seen
        ax.plot(epochs[alive], line[alive], dot + "-", color=color, label=layer)
        if len(values) > 1:
            edges = np.maximum(low[:, number], floor), high[:, number]
            ax.fill_between(epochs, *edges, where=alive, color=color, alpha=0.15, linewidth=0)
        if zero.any():
            every = max(1, zero.sum() // 20)
            ax.plot(epochs[zero], np.full(zero.sum(), floor), "x", markevery=every, **ZERO)
    exploded = int((~np.isfinite(array.values[:, -1])).any(axis=-1).sum())
    if recording.attrs.get("diverged_at", -1) >= 0:
        step = recording.attrs["diverged_at"]
        epoch = step / recording.attrs["steps_per_epoch"]
        ax.axvline(epoch, color=ZERO["color"], linestyle="--")
        who = f"{exploded} of {len(values)} exploded, first" if len(values) > 1 else "exploded"
        ax.text(epoch, ceiling, f" {who} at step {step}", color=ZERO["color"], va="top")
    last = max(epochs[-1], 1)
    ax.set(xlabel="epoch", xlim=(0, last), ylim=(floor, ceiling))
    _plain_ticks(ax)
    _value_axis(ax.yaxis, array, log=log)
    if legend and "layer" in recording[name].dims:
        handles, labels = ax.get_legend_handles_labels()
        many = len(labels) > 6  # first, middle, last hidden layer and the output speak for all
        shown = [0, (len(labels) - 1) // 2, -2, -1] if many else range(len(labels))
        named = [handles[k] for k in shown], [labels[k] for k in shown]
        ax.legend(*named, loc="center left", bbox_to_anchor=(1, 0.5))
    text = "; ".join(
        f"{layer} from {_number(middle[0, k], log)} to {_number(middle[-1, k], log)}"
        for k, layer in enumerate(array.layer.values)
        if k in (0, len(colors) - 1)
    )
    what = array.attrs.get("long_name", name)
    networks = f" (median of {len(values)} networks)" if len(values) > 1 else ""
    ax.set_label(
        f"{what}{networks}, epoch 0 to {epochs[-1]:g}: {text}."
        + (f" {exploded} of {len(values)} networks exploded." if exploded else "")
    )
    return ax


def grid_over_epochs(recordings, names):
    """Draw several recordings side by side, a row for each quantity, each row on one scale.

    Parameters
    ----------
    recordings : dict of str to xarray.Dataset
        Title of a column -> recording; all with the same layers.
    names : sequence of str
        Variables, as in `over_epochs`.

    Returns
    -------
    array of Axes, shape (len(names), len(recordings))
    """
    shape = len(names), len(recordings)
    size = (2.2 + 3.1 * shape[1], 0.7 + 2.2 * shape[0])
    _, axes = plt.subplots(*shape, sharex=True, figsize=size, squeeze=False)
    with_layers = [n for n in names if "layer" in next(iter(recordings.values()))[n].dims]
    for row, name in enumerate(names):
        for column, (title, recording) in enumerate(recordings.items()):
            legend = column == shape[1] - 1 and name in with_layers[:1]
            ax = over_epochs(recording, name, legend=legend, ax=axes[row, column])
            what, _, finding = ax.get_label().partition(": ")
            ax.set_label((f"{what}; " if column == 0 else "") + f"{title}: {finding}")
            ax.set_title(title if row == 0 else "")
            if column > 0:
                ax.set_ylabel("")
                ax.tick_params(labelleft=False)
            if row < shape[0] - 1:
                ax.set_xlabel("")
        limits = np.array([ax.get_ylim() for ax in axes[row]])
        for ax in axes[row]:
            ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
    return axes


def spread(values, *, label, log=False, limits=None, reference=None, ax=None):
    """Draw one number of many networks, a dot for each, in a row for each setting or layer.

    A bar marks the median of a row. An exact 0 on a log scale is a cross on the floor.

    Parameters
    ----------
    values : dict of str to array, shape (num_networks,)
        Setting (or layer) -> what was measured. An activation, rule or layer gives its row the
        colour that it has everywhere, also before a comma: "tanh, 3 layers", "hidden_1, before".
    label : str
        What it is, with its unit.
    log : bool
        Draw the sizes on a log scale.
    limits : (float, float), optional
        Of a linear axis; in round steps round the numbers if left out.
    reference : (float, str), optional
        A value to mark with a dotted line, and its name.
    """
    ax = _axes(ax)
    rows = {key: np.asarray(row, float).ravel() for key, row in values.items()}
    drawn = {key: _log10(row) if log else row for key, row in rows.items()}
    low, high = _value_limits(np.concatenate([*drawn.values()]), log=log)
    low, high = limits or (low, high)
    heads = {key: str(key).split(",")[0] for key in rows}
    colors = _named_colors(dict.fromkeys(heads.values()))
    for number, (key, row) in enumerate(drawn.items()):
        color, finite = colors.get(heads[key], OTHER_COLOR), np.isfinite(row)
        shift = number + np.linspace(-0.25, 0.25, len(row))
        within = ((row[finite] >= low) & (row[finite] <= high)).all()  # a dot on the edge is whole
        dots = {"color": color, "alpha": 0.6, "markersize": 7, "clip_on": not within}
        ax.plot(row[finite], shift[finite], "o", label=key, **dots)
        if np.isneginf(row).any():
            ax.plot(np.full(np.isneginf(row).sum(), low), shift[np.isneginf(row)], "x", **ZERO)
        middle = np.median(row)
        ax.plot([max(middle, low)] * 2, [number - 0.36, number + 0.36], color="black", linewidth=3)
    if reference is not None:
        at = float(_log10(reference[0])) if log else reference[0]
        ax.axvline(at, **REFERENCE)
        ax.text(
            at, 1, f" {reference[1]}", transform=ax.get_xaxis_transform(), va="bottom", fontsize=12
        )
    ax.set(xlim=(low, high), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), list(rows))
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(label + " (log scale)" * log)
    if log:
        _log_ticks(ax.xaxis)
    ax.set_label(
        f"{label}, median (range): "
        + "; ".join(
            f"{key} {_number(np.median(row), log)} ({_number(row.min(), log)} to "
            f"{_number(row.max(), log)})"
            for key, row in drawn.items()
        )
        + "."
    )
    return ax


def learning_curves(recording, *, pinned=None, color=OTHER_COLOR, ax=None):
    """Draw loss and accuracy against the epoch: medians over the replicates, bands 10-90 %.

    Parameters
    ----------
    recording : xarray.Dataset
        What ``train`` gives.
    pinned : xarray.Dataset, optional
        An earlier recording, its medians in grey as "A".
    """
    ax = _axes(ax)
    styles, top = {"loss": "-", "accuracy": (0, (2, 1))}, 1.02
    for name, style in styles.items():
        if pinned is not None:
            middle = _quantiles(_finite(pinned[name].values))[1]
            ax.plot(
                pinned.epoch,
                middle,
                label="A" if name == "loss" else "_A",
                **PINNED | {"linestyle": style, "linewidth": 3, "dash_capstyle": "butt"},
            )
        low, middle, high = _quantiles(_finite(recording[name].values))
        ax.fill_between(recording.epoch, low, high, color=color, alpha=0.2, linewidth=0)
        ax.plot(recording.epoch, middle, color=color, linestyle=style, label=name)
        top = max(top, np.nanmax(high, initial=0))
    ends = [recording.epoch.values[-1], 0 if pinned is None else pinned.epoch.values[-1]]
    ax.set(
        title="", xlabel="epoch", ylabel="", xlim=(0, max(1, *ends)),
        ylim=(0, 1.02 if top <= 1.02 else _round_up(10 * top) / 10),
    )  # fmt: skip
    _plain_ticks(ax)
    final = np.median(recording["accuracy"].values[:, -1])
    ax.set_label(
        f"After {ends[0]:g} epochs the median accuracy of {len(recording.replicate)} networks is "
        f"{final:.3f}."
    )
    return ax


def mark_epoch(epoch, *, ax=None):
    """Draw a dotted line at the epoch that other panels show, and write the epoch beside it."""
    ax = _axes(ax)
    ax.axvline(epoch, **REFERENCE)
    left, right = ax.get_xlim()
    side = {"ha": "left"} if epoch < (left + right) / 2 else {"ha": "right"}
    box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}
    ax.text(epoch, 0.5, f" epoch {epoch} ", transform=ax.get_xaxis_transform(), fontsize=12,
            va="center", bbox=box, **side)  # fmt: skip
    return ax


def heat_map(recording, name, *, ax=None):
    """Draw a size of every layer at every epoch as a colour, on a log scale: bright is large.

    Beside the title stands the scale of the colours, from the smallest size to the largest.

    Parameters
    ----------
    recording : xarray.Dataset
        What ``train`` gives.
    name : str
        A variable of it with a layer, such as "delta_norm"; its median over the replicates.
    """
    ax = _axes(ax)
    logs = _log10(_quantiles(_finite(recording[name].values))[1]).T
    finite = logs[np.isfinite(logs)]
    low = finite.min() if finite.size else 0
    high = max(finite.max(initial=low), low + 0.5)
    last = max(recording.epoch.values[-1], 1)
    box = (0, last, 0.5, len(logs) + 0.5)
    style = {"aspect": "auto", "vmin": low, "vmax": high, "zorder": 1}  # over the grid
    ax.imshow(logs, origin="lower", extent=box, interpolation="nearest", **style)
    ax.imshow(np.linspace(low, high, 64)[None], extent=(0.5, 0.84, 1.04, 1.11), clip_on=False,
              transform=ax.transAxes, **style)  # fmt: skip
    for place, text, align in ((0.49, low, "right"), (0.85, high, "left")):
        short = f"{float(f'{10**text:.1g}'):g}" if -3 < text < 4 else _power(math.floor(text))
        ax.text(place, 1.035, short, transform=ax.transAxes, ha=align, fontsize=13)  # fmt: skip
    ax.set(title="delta", xlabel="epoch", ylabel="hidden layer", xlim=(0, last), ylim=box[2:])
    _plain_ticks(ax, integer=True)
    ax.set_label(
        f"{recording[name].attrs.get('long_name', name)}, first layer to last: from "
        f"{scientific(logs[0, 0])} and {scientific(logs[-1, 0])} to "
        f"{scientific(logs[0, -1])} and {scientific(logs[-1, -1])}."
    )
    return ax


def decision_boundary(dataset, outputs, extent, *, ax=None):
    """Draw what a network says all over the plane, under the points that it learns from.

    Parameters
    ----------
    dataset : Dataset
        Two inputs, two classes.
    outputs : array, shape (rows, columns)
        The probability of class 1, from the lower left.
    extent : (float, float, float, float)
        Left, right, bottom, top of the plane shown.
    """
    ax = _axes(ax)
    ax.imshow(outputs, origin="lower", extent=extent, vmin=0, vmax=1, cmap="PuOr_r", alpha=0.85,
              interpolation="bilinear", aspect="auto", zorder=-1)  # fmt: skip
    x, y = dataset.x[:300], dataset.y[:300]
    for label, (color, marker) in enumerate((("#5B2C83", "o"), ("#B35806", "^"))):
        ax.plot(*x[y == label].T, marker, color=color, markersize=5, markeredgecolor="white",
                markeredgewidth=0.5, label=f"class {label}")  # fmt: skip
    ax.set(title="", xlabel="shade: what one network says", ylabel="",
           xlim=extent[:2], ylim=extent[2:])  # fmt: skip
    _plain_ticks(ax)
    share = float((np.asarray(outputs) > 0.5).mean())
    ax.set_label(f"{dataset.name}: the network says class 1 on {100 * share:.0f} % of the plane.")
    return ax


def waiting(text, *, ax=None):
    """Say in an empty panel what it waits for."""
    ax = _axes(ax)
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=14)
    ax.set(title="", xlabel="", ylabel="", xlim=(0, 1), ylim=(0, 1))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(NullLocator())
    ax.set_label("")
    return ax


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
    ax = _axes(ax)
    quantiles = {
        name: np.quantile(array[np.isfinite(array)], [0.025, 0.25, 0.5, 0.75, 0.975])
        for name, array in arrays.items()
        if np.isfinite(array).any()
    }
    rows = {name: row for row, name in enumerate(arrays)}
    reach = max((abs(q[[0, -1]]).max() for q in quantiles.values()), default=1)
    for name, array in (pinned or {}).items():
        if name in rows and np.isfinite(array).any():
            ends = np.quantile(array[np.isfinite(array)], [0.025, 0.975])
            reach = max(reach, *np.abs(ends))
            ax.plot(ends, [rows[name]] * 2, **PINNED | {"linewidth": 14, "alpha": 0.4})
    for name, (low, left, middle, right, high) in quantiles.items():
        ax.plot([low, high], [rows[name]] * 2, color=colors[name], linewidth=2)
        ax.plot([left, right], [rows[name]] * 2, color=colors[name], linewidth=7,
                solid_capstyle="butt")  # fmt: skip
        ax.plot(middle, rows[name], "o", color="white", markersize=5)
    reach = _round_up(11 * reach) / 10
    ax.set(title="weights by layer", xlabel="weight", ylabel="", xlim=(-reach, reach),
           ylim=(len(rows) - 0.5, -0.5))  # fmt: skip
    _plain_ticks(ax)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_label(
        "The middle half of the weights: "
        + "; ".join(f"{name} {q[1]:.2g} to {q[3]:.2g}" for name, q in quantiles.items())
        + "."
    )
    return ax


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
    ax = _axes(ax)
    arrays = {name: np.ravel(array) for name, array in arrays.items()}
    reach = max(np.quantile(np.abs(array), 0.999) for array in arrays.values()) or 1.0
    low = 0.0 if min(array.min() for array in arrays.values()) >= 0 else -reach
    bins = np.clip(np.sqrt(min(map(len, arrays.values()))), 10, 100)  # few values, wide bins
    edges = np.linspace(low, reach, int(bins) + 1)
    cycle = itertools.cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
    colors = _named_colors(arrays)
    for name, array in arrays.items():
        density = np.histogram(array, edges)[0] / (len(array) * (edges[1] - edges[0]))
        color = colors[name] if name in colors else next(cycle)
        ax.stairs(density, edges, color=color, linewidth=2, label=name)
    if exact is not None:
        ax.plot(*exact, label=exact_name, **PREDICTION)
    ax.set(xlabel=label, ylabel="density", xlim=(edges[0], edges[-1]))
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.set_ylim(bottom=0)
    beyond = max(np.mean((array < low) | (array > reach)) for array in arrays.values())
    ax.set_label(
        f"{label}, spread (standard deviation): "
        + "; ".join(f"{name} {_number(array.std(), False)}" for name, array in arrays.items())
        + (f". Up to {100 * beyond:.1f} % lie outside." if beyond > 0 else ".")
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
    ax = _axes(ax)
    everything = [*(one.values for one in series), *pinned]
    for values in pinned:
        ax.plot(np.arange(values.shape[1]) + 1.5, values.mean(axis=0), label="A", **PINNED)
    for one in series:
        places = np.arange(one.values.shape[1]) + 1.5
        band = np.quantile(one.values, [0.1, 0.9], axis=0)
        ax.fill_between(places, *band, color=one.color, alpha=0.25, linewidth=0)
        ax.plot(
            places, one.values.mean(axis=0), "o-", color=one.color, markersize=4, label=one.label
        )
    ax.axhline(1, **REFERENCE)
    _layer_axis(ax, [np.zeros((1, values.shape[1] + 1)) for values in everything])
    largest = max((np.quantile(v, 0.9, axis=0).max() for v in everything if v.size), default=1)
    ax.set(title="singular values of $dz_{l+1}/dz_l$", ylim=(0, 1.1 * _round_up(largest)))
    means = "; ".join(f"{one.label} {one.values.mean():.2g}" for one in series if one.values.size)
    ax.set_label(f"The mean singular value: {means or 'there is one hidden layer only'}.")
    return ax


def predicted_measured(series, *, quantity, ax=None):
    """Draw measured against predicted values, one point a layer, both on log axes.

    Parameters
    ----------
    series : list of Series
        Their RMS over the networks is what counts as measured. Zeros are left to `by_layer`.
    """
    ax = _axes(ax)
    points = []
    for one in series:
        logs = _log10([one.predicted, _rms(one.values)])
        points.append(logs[:, np.isfinite(logs).all(axis=0)])
        ax.plot(*points[-1], "o", color=one.color, markersize=7, label=one.label)
    low, high = _limits(np.concatenate([p.ravel() for p in points]), least=1)
    ax.plot([low, high], [low, high], **REFERENCE)
    ax.set(title=quantity, xlabel="predicted", ylabel="measured", xlim=(low, high),
           ylim=(low, high))  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        _log_ticks(axis)
    errors = [np.abs(p[1] - p[0]).max(initial=0) for p in points]
    ax.set_label(
        f"{quantity}: measured and predicted differ by at most a factor of "
        f"{10 ** max(errors, default=0):.3g}."
    )
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
    ax = _axes(ax)
    dashes = ("-", (0, (2, 1)))
    everything = [saturated, dead, *(pinned or ())]
    for part, style in zip(pinned or (), dashes, strict=False):
        numbers = np.arange(1, part.shape[1] + 1)
        ax.plot(numbers, 100 * part.mean(axis=0), linestyle=style, **PINNED)
    for part, name, style in zip((saturated, dead), ("saturated", "dead"), dashes, strict=True):
        numbers = np.arange(1, part.shape[1] + 1)
        ax.plot(
            numbers, 100 * part.mean(axis=0), linestyle=style, label=name,
            color=color if name == "saturated" else ZERO["color"],
        )  # fmt: skip
    _plain_ticks(ax)
    _layer_axis(ax, everything)
    ax.set(title="", ylabel="% of the units", ylim=(-4, 104))
    ax.set_label(
        f"On average over the layers {100 * saturated.mean():.0f} % of the units are saturated, "
        f"{100 * dead.mean():.0f} % dead."
    )
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
    ax = _axes(ax)
    x = _log10(weight_variances)
    box = (x[0], x[-1], bias_variances[0], bias_variances[-1])
    ax.imshow(_log10(chi) / 2, origin="lower", extent=box, vmin=-0.2, vmax=0.2, cmap="RdBu_r",
              aspect="auto", interpolation="bilinear", zorder=-1, gid="background")  # fmt: skip
    if line is not None:
        ax.plot(_log10(line[0]), line[1], color="black", label="critical", gid="background")
    for point, color, label in ((pinned, PINNED["color"], "A"), (place, "#FFD400", "here")):
        if point is not None:
            spot = np.clip([_log10(point[0]), point[1]], box[::2], box[1::2])
            ax.plot(*spot, "o", color=color, markersize=13, markeredgecolor="black",
                    markeredgewidth=2, clip_on=False, label=label)  # fmt: skip
    for x_at, y_at, text, side in (
        (0.05, 0.94, "vanishing", "left"),
        (0.95, 0.2, "exploding", "right"),
    ):
        ax.text(x_at, y_at, text, transform=ax.transAxes, ha=side, va="top",
                bbox={"color": "white", "alpha": 0.75, "pad": 2, "linewidth": 0})  # fmt: skip
    ax.set(xlabel="weight variance $\\sigma_w^2$ (log scale)", ylabel="bias variance $\\sigma_b^2$",
           title="", xlim=box[:2], ylim=box[2:])  # fmt: skip
    decades = range(math.floor(x[0]), math.ceil(x[-1]) + 1)
    ax.grid(visible=False)
    steps = [step * 10.0**k for k in decades for step in (1, 2, 5)]
    inside = [step for step in steps if box[0] <= math.log10(step) <= box[1]]
    ax.set_xticks([math.log10(step) for step in inside], [f"{step:g}" for step in inside])
    below = float(np.mean(np.asarray(chi) < 1))
    ax.set_label(
        f"Gradients vanish on {100 * below:.0f} % of the map, to the left of the critical line"
        + (f", which meets zero bias at {line[0][0]:.3g}." if line is not None else ".")
    )
    return ax


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
    ax = _axes(ax)
    if limit is not None:
        ax.axhline(limit, **REFERENCE)
    for values in pinned:
        ax.plot(np.arange(1, values.shape[1] + 1), np.median(values, axis=0), label="A", **PINNED)
    for one in series:
        numbers = np.arange(1, one.values.shape[1] + 1)
        low, middle, high = np.quantile(one.values, [0.1, 0.5, 0.9], axis=0)
        ax.fill_between(numbers, low, high, color=one.color, alpha=0.25, linewidth=0)
        ax.plot(numbers, middle, color=one.color, label=one.label or "median")
        if one.predicted is not None:
            ax.plot(numbers, one.predicted, label="theory", **PREDICTION)
    everything = [*(one.values for one in series), *pinned]
    _layer_axis(ax, everything)
    lowest = min(np.quantile(values, 0.1, axis=0).min() for values in everything)
    floor = next(low for low in (-0.05, -0.3, -1.05) if lowest >= low or low == -1.05)
    ax.set(title="correlation of two inputs", ylim=(floor, 1.05))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.set_label(
        "Median correlation of two inputs: "
        + "; ".join(
            f"{one.label or 'it'} {middle[0]:.2f} in the first hidden layer, {middle[-1]:.2f} in "
            "the last"
            for one in series
            for middle in [np.median(one.values, axis=0)]
        )
        + "."
    )
    return ax


def trainability(accuracy, depths, columns, *, reach, name="reach", ax=None):
    """Draw how well networks of several depths and kinds learned, and how deep theory lets them be.

    Parameters
    ----------
    accuracy : array, shape (number of columns, number of depths)
        From 0.5 (dark) to 1 (bright).
    depths : sequence of int
        Increasing.
    columns : sequence of str
        One name a kind.
    reach : array, shape (number of columns,)
        A depth to mark in each column, by a bar called `name`; above the picture it's an arrow.
    """
    ax = _axes(ax)
    accuracy, reach = np.asarray(accuracy), np.asarray(reach, float)
    middles = (np.array(depths[1:]) + depths[:-1]) / 2
    edges = [max(0, 2 * depths[0] - middles[0]), *middles, 2 * depths[-1] - middles[-1]]
    ax.pcolormesh(np.arange(len(columns) + 1) - 0.5, edges, accuracy.T, vmin=0.5, vmax=1,
                  edgecolor="white", linewidth=2)  # fmt: skip
    for column, (row, end) in enumerate(zip(accuracy, reach, strict=True)):
        for depth, value in zip(depths, row, strict=True):
            ax.text(column, depth, f"{value:.2f}", ha="center", va="center", fontsize=12,
                    color="white" if value < 0.75 else "black")  # fmt: skip
        if end < edges[-1]:
            ax.plot([column - 0.5, column + 0.5], [end, end], color="#D55E00", linewidth=5,
                    solid_capstyle="butt", label="reach")  # fmt: skip
        else:
            ax.plot(column, edges[-1], "^", color="#D55E00", markersize=13, clip_on=False,
                    label="reach")  # fmt: skip
        high = end >= edges[-1]
        ax.annotate(f"{name} = {end:.2g}" if end < 1000 else f"{name} > 1000",
                    (column, min(end, edges[-1])), xytext=(0, 12 if high else 6), color="#8A3A00",
                    ha="center", textcoords="offset points", fontsize=12,
                    annotation_clip=False)  # fmt: skip
    ax.set(ylabel="hidden layers", xlim=(-0.5, len(columns) - 0.5), ylim=(edges[0], edges[-1]))
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(list(depths))
    ax.grid(visible=False)
    ax.set_label(
        "Median accuracy by depth: "
        + "; ".join(
            f"{name} " + ", ".join(f"{v:.2f} at {d}" for d, v in zip(depths, row, strict=True))
            for name, row in zip(columns, accuracy, strict=True)
        )
        + "."
    )
    return ax


def layer_colors(layers):
    """Give each layer its colour, by name: hidden_1 is darkest, "output" stands apart."""
    hidden = [name for name in layers if str(name).startswith("hidden")]
    ramp = plt.colormaps["cividis"](np.linspace(0, 0.82, max(len(hidden), 2)))
    return dict(zip(hidden, ramp, strict=False)) | {
        name: OUTPUT_COLOR for name in layers if str(name).startswith("output")
    }


def _named_colors(names):
    """Every colour that a name of an activation, a rule or a layer has in the course."""
    return COLORS | RULE_COLORS | layer_colors(names)


def scientific(log10) -> str:
    """Write the number with this log10 in words for a sentence: "2.1 × 10⁻³⁴", "0.25"."""
    if np.isneginf(log10):
        return "exactly 0"
    if not np.isfinite(log10):
        return "no number any more"
    if -3 < log10 < 3:
        return f"{10**log10:.3g}"
    exponent = math.floor(log10)
    return f"{10 ** (log10 - exponent):.1f} × {_power(exponent)}"


def show(ax):
    """Return the figure of `ax` (an ``Axes`` or an array of them) as the result of a cell.

    The picture comes with its alternative text, and with the same sentence under it; the figure
    is closed, so that it isn't shown a second time.
    """
    axes = np.atleast_1d(ax).ravel()
    figure = axes[0].figure
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    plt.close(figure)
    sentence = " ".join(str(a.get_label()) for a in axes if a.get_label())
    return _Shown(stream.getvalue(), sentence, figure.get_figwidth())


class _Shown:
    def __init__(self, png, sentence, inches):
        self.png, self.sentence, self.width = png, sentence, round(100 * inches)

    def __repr__(self):
        return f"<figure: {self.sentence}>"

    def _repr_html_(self):
        data, sentence = base64.b64encode(self.png).decode(), html.escape(self.sentence)
        return (
            f'<figure style="margin: 0"><img alt="{sentence}" style="width: {self.width}px; '
            f'max-width: 100%" src="data:image/png;base64,{data}">'
            f"<figcaption>{sentence}</figcaption></figure>"
        )


def small_legend(ax, *names):
    """Put a legend beside the title, where no line can be, of those `names` that the axes have.

    Its marks are grey, so that it can stay as it is when the colour changes.
    """
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    names = [name for name in names if name in handles]
    old = ax.get_legend()
    if old is not None and names == [text.get_text() for text in old.get_texts()]:
        return
    if not names:
        if old is not None:
            old.remove()
        return
    legend = ax.legend(
        [handles[name] for name in names], names, loc="lower right", bbox_to_anchor=(1, 1),
        ncols=len(names), borderaxespad=0.2, **TIGHT,
    )  # fmt: skip
    for handle in legend.legend_handles:
        handle.set_color("#555555")


def name_series(ax, series):
    """Add a legend with a line for each of the `series` that ``ax`` shows; return ``ax``."""
    names = [one.label for one in series]
    handles = {line.get_label(): line for line in ax.lines if line.get_label() in names}
    ax.legend(handles=[handles[name] for name in names], loc="best")
    return ax


def _rms(values):
    return np.sqrt(np.mean(np.square(values), axis=0))


def _log_line(ax, numbers, logs, **style):
    """Draw a line through `logs`, and crosses on the floor of the axes where they are log 0."""
    alive = np.isfinite(logs)
    ax.plot(numbers[alive], logs[alive], **style)
    if not alive.all():
        floor = np.zeros((~alive).sum())
        ax.plot(numbers[~alive], floor, "x", transform=ax.get_xaxis_transform(), **ZERO)


def _layer_axis(ax, arrays, place="hidden layer"):
    depth = max(np.shape(array)[1] for array in arrays)
    end = depth if depth <= 5 else _round_up(depth)  # no tick for a layer that isn't there
    ax.set(xlabel=place, ylabel="", xlim=(0.5, end + 0.5))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    ax.xaxis.set_major_formatter(ScalarFormatter())


def _plain_ticks(ax, *, integer=False):
    """Count in ones again, where the same axes had a log scale."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=integer))
        axis.set_major_formatter(ScalarFormatter())


def _finite(values):
    return np.where(np.isfinite(values), values, np.nan)


def _axes(ax):
    return plt.subplots()[1] if ax is None else ax


def _log10(values):
    with np.errstate(divide="ignore"):
        return np.log10(np.abs(values))


def _quantiles(values):
    """10, 50 and 90 % over the replicates, without those that are not numbers any more."""
    if not np.isnan(values).any():
        return np.quantile(values, [0.1, 0.5, 0.9], axis=0)  # a hundred times as fast
    gone = np.isnan(values).all(axis=0)
    filled = np.where(gone, 0, values)
    return np.where(gone, np.nan, np.nanquantile(filled, [0.1, 0.5, 0.9], axis=0))


def _value_limits(values, *, log):
    """Round limits for values, or for the log10 of sizes, that hold all finite ones."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return (-1, 0) if log else (0, 1)
    if log:
        low, high = math.floor(finite.min()), math.ceil(finite.max())
        return (low - 1 if np.isneginf(values).any() else low), max(high, low + 2)
    low, high = min(finite.min(), 0), max(finite.max(), 0)
    decade = 10 ** math.floor(math.log10(max(high - low, 1e-12)))
    step = next(s * decade / 10 for s in (2, 5, 10) if 10 * s * decade / 10 >= high - low)
    low, high = step * math.floor(low / step), step * math.ceil(high / step)
    return low, max(high, low + step)


def _value_axis(axis, array, *, log):
    unit = array.attrs.get("units", "1")
    notes = [unit] * (unit != "1") + ["log scale"] * log
    text = str(array.attrs.get("long_name", array.name))
    text += f" [{', '.join(notes)}]" if notes else ""
    axis.set_label_text(textwrap.fill(text, 24), fontsize=12)
    if log:
        _log_ticks(axis)


def _log_ticks(axis):
    axis.set_major_locator(MaxNLocator(6, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))


def _number(value, log):
    if np.isnan(value):
        return "no number"
    return scientific(value) if log else f"{value:.3g}"


def _power(log10):
    """10 to the power of `log10` in plain text, which draws faster than mathematics."""
    return "10" + f"{log10:g}".translate(SUPERSCRIPTS) if log10 else "1"


def _round_up(size):
    """Round up to 1, 2, 3, 5, 7, 10, 20 ...: an axis stands still while a slider moves a little."""
    decade = 10 ** math.floor(math.log10(max(size, 1)))
    return next(step * decade for step in (1, 2, 3, 5, 7, 10) if step * decade >= size)


def _limits(logs, *, least):
    """Round limits in decades for the finite `logs`, with 1 = 10^0 always inside."""
    finite = logs[np.isfinite(logs)]
    low = _round_up(max(-1.05 * finite.min(initial=0), least))
    high = _round_up(max(1.05 * finite.max(initial=0), 1))
    return -max(low, high / 10), max(high, low / 10)


def _product_axes(ax, depth, low, high, label):
    ax.set(
        xlabel="number of factors",
        title=f"{label} (log scale)",
        xlim=(0, max(_round_up(depth), 10) + 0.5),
        ylim=(low, high),
    )
    _log_ticks(ax.yaxis)
