"""Products of many factors: the factors, the running product, and how many decades many lost."""

import math

import numpy as np
from matplotlib.ticker import FuncFormatter

from helpers.plots.findings import passed_back, said
from helpers.plots.style import (
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
    power_of_ten,
    round_up,
    scientific,
    small_legend,
)


def factors(values, *, color=OTHER_COLOR, ax=None):
    """Draw the sizes of the factors of one product, bar by bar, from the reference line 1.

    Parameters
    ----------
    values : array, shape (depth,)
        The factors; only their sizes are drawn. An exact 0 is a cross on the floor.
    """
    ax = axes_or_new(ax)
    values = np.asarray(values)
    numbers = np.arange(1, len(values) + 1)
    logs = log10_size(values)
    low, high = decade_limits(logs, least=2)
    zeros = np.isneginf(logs)
    # From log10 = 0, the size 1: the length of a bar is what its factor gains or loses.
    ax.vlines(numbers[~zeros], 0, logs[~zeros], color=color, linewidth=2)
    ax.plot(numbers[~zeros], logs[~zeros], "o", color=color, markersize=5)
    if zeros.any():
        # On the floor of the axes: an exact 0 has no logarithm.
        ax.plot(numbers[zeros], np.full(zeros.sum(), low), "x", **ZERO)
    ax.axhline(0, **REFERENCE)
    _product_axes(ax, len(values), (low, high), "size of each factor")
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
    ax = axes_or_new(ax)
    values = np.atleast_2d(values)
    depth = values.shape[1]
    numbers = np.arange(depth + 1)
    logs = _running_logs(values)
    pinned_logs = _running_logs(np.atleast_2d([] if pinned is None else pinned))[0]
    forecast = None  # a prediction of -inf, a product that dies, has no line
    if predicted is not None and math.isfinite(predicted):
        forecast = numbers * predicted
    drawn = [logs.ravel(), pinned_logs, [] if forecast is None else forecast]
    low, high = decade_limits(np.concatenate(drawn), least=2)
    if pinned is not None:
        log_line(ax, np.arange(len(pinned_logs)), pinned_logs, label="A", **PINNED)
    for product, style in zip(logs, _line_styles(len(logs), labels, color), strict=True):
        _draw_product(ax, product, low, style)
    if forecast is not None:
        ax.plot(numbers, forecast, label="predicted", **PREDICTION)
    ax.axhline(0, label="nothing lost", **REFERENCE)
    if labels:
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)
    else:
        small_legend(ax, "A", "predicted", "nothing lost")
    _product_axes(ax, max(depth, len(pinned_logs) - 1), (low, high), "product so far")
    ax.set_label(_product_said(depth, logs[:, -1], labels))
    return ax


def _running_logs(values):
    """log10 of running products; shape (num_draws, depth) -> (num_draws, depth + 1).

    Sums of logarithms, as the products themselves would leave the range of floating-point numbers.
    """
    # Before the first factor the product is 1.
    start = np.zeros((len(values), 1))
    return np.concatenate([start, log10_size(values).cumsum(axis=1)], axis=1)


def _line_styles(num_lines, labels, color):
    """Return keyword arguments of `plot` for each line of `running_product`."""
    if labels:
        named = zip(labels, color_cycle(), strict=False)
        return [{"label": label, "color": own_color} for label, own_color in named]
    # Many lines of one colour are seen through each other.
    thin = {"linewidth": 1.2, "alpha": 0.6} if num_lines > 3 else {}
    return [{"color": color, **thin}] * num_lines


def _draw_product(ax, logs, floor, style):
    """Draw one running product: a line, and a red one on the floor from its first exact 0 on."""
    numbers = np.arange(len(logs))
    alive = np.isfinite(logs)
    ax.plot(numbers[alive], logs[alive], **style)
    if not alive.all():
        # From its first 0 on a product stays 0.
        first = numbers[~alive][0]
        # A cross at the first end only: `markevery` leaves out the second.
        ax.plot([first, numbers[-1]], [floor, floor], marker="x", markevery=2, **ZERO)
        ax.text(first, floor, " exactly 0", color=ZERO["color"], va="bottom")


def _product_said(depth, logs, labels):
    """Say what becomes of the products, by their labels; of unnamed ones their median."""
    whole = f"The product of {depth} factors"
    if labels:
        ends = dict(zip(labels, logs, strict=True))
        # a product of factors is what is left of a gradient that begins as 1
        finding = f"{whole}: {passed_back(ends, dict.fromkeys(ends, 0.0))}"
        return said(finding, "; ".join(f"{name}: {scientific(end)}" for name, end in ends.items()))
    draws = f" (median of {len(logs)} draws)" if len(logs) > 1 else ""
    return f"{whole}: {scientific(np.median(logs))}{draws}."


def _product_axes(ax, depth, limits, label):
    """Set what the pictures of products share: number of factors across, decades upwards."""
    ax.set(
        xlabel="number of factors",
        title=f"{label} (log scale)",
        # Half a factor more, so that the last one isn't cut.
        xlim=(0, max(round_up(depth), 10) + 0.5),
        ylim=limits,
    )
    log_ticks(ax.yaxis)


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
    ax = axes_or_new(ax)
    logs = log10_size(products)
    ax.hist(logs, bins=60, density=True, color=color, alpha=0.55, label=f"{len(logs):,} draws")
    if exact is not None:
        ax.plot(*exact, label="exact law", **PREDICTION)
    words = {"va": "top", "fontsize": "large", "transform": ax.get_xaxis_transform()}
    for threshold in thresholds:
        decades = np.log10(threshold)
        ax.axvline(decades, **REFERENCE)
        ax.text(decades, 0.97, f" {power_of_ten(decades)}", **words)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    ax.set(xlabel="product (log scale)", ylabel="density\nper power of ten")
    ax.margins(y=0.1)
    ax.legend(loc="upper left")
    # Nine products in ten lie between these.
    low, middle, high = np.quantile(logs, [0.05, 0.5, 0.95])
    above = [f"{100 * (products > t).mean():.1f} % are above {t:.0e}" for t in thresholds]
    spread = f"90 % lie between {scientific(low)} and {scientific(high)}"
    finding = f"{len(logs):,} products: the median is {scientific(middle)}"
    ax.set_label(said(finding, "; ".join([spread, *above])))
    return ax
