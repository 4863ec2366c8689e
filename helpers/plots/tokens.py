"""Transformers: how alike the tokens are, block by block, and how many stacks learn, by step."""

import numpy as np
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from helpers.plots.findings import alike, grouped, levels, said
from helpers.plots.style import BAND, PINNED, REFERENCE, TIGHT, axes_or_new, round_up


def token_correlations(series, *, pinned=(), ax=None):
    """Draw the mean cosine between tokens by block: median and 10-90 % band over stacks.

    Parameters
    ----------
    series : list of Series
    pinned : list of arrays, shape (num_stacks, other depth)
        An earlier picture's values, of which the median is drawn in grey as "A".
    """
    ax = axes_or_new(ax)
    # at 1 all tokens are the same
    ax.axhline(1, **REFERENCE)
    for values in pinned:
        ax.plot(_numbers(values), np.median(values, axis=0), label="A", **PINNED)
    ends = []
    words = {}
    for one in series:
        numbers = _numbers(one.values)
        low, middle, high = np.quantile(one.values, BAND, axis=0)
        ax.fill_between(numbers, low, high, color=one.color, alpha=0.25, linewidth=0)
        ax.plot(numbers, middle, color=one.color, label=one.label or "median")
        ends.append(f"{one.label or 'it'} {middle[0]:.2f} after the first block, {middle[-1]:.2f}")
        words[one.label] = alike(middle[-1])
    deepest = max(values.shape[1] for values in (*(one.values for one in series), *pinned))
    end = deepest if deepest <= 5 else round_up(deepest)  # no tick for a block that isn't there
    ax.set(title="mean cosine between tokens", xlabel="block", ylabel="", xlim=(0.5, end + 0.5))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    lowest = min(np.min(values) for values in (*(one.values for one in series), *pinned))
    # two floors only, so that the axis stands still
    floor = -0.1 if lowest >= -0.1 else -1.05
    ax.set_yticks([tick for tick in (-1, -0.5, 0, 0.25, 0.5, 0.75, 1) if tick >= floor])
    # a little beyond 1, where most of these lines run
    ax.set_ylim(floor, 1.08)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(ScalarFormatter())
    cosines = f"Median cosine: {' after the last; '.join(ends)} after the last"
    ax.set_label(said(f"Tokens: {grouped(words)}", cosines))
    return ax


def over_steps(curves, *, quantity, colors=None, guess=None, ax=None):
    """Draw a share by step of training, with the median and the 10-90 % band over networks.

    Parameters
    ----------
    curves : dict of str to array, shape (num_networks, steps)
        A name for each line; shares, 0 to 1.
    quantity : str
        The label of the y-axis.
    colors : dict of str to colour, optional
        By the same names.
    guess : float, optional
        What guessing gives: a dotted line.
    """
    ax = axes_or_new(ax)
    if guess is not None:
        ax.axhline(guess, label="guessing", **REFERENCE)
    ends = {}
    # in the order of the names, which is that of the legend
    for number, (name, values) in enumerate(curves.items()):
        color = (colors or {}).get(name, f"C{number}")
        low, middle, high = np.quantile(values, BAND, axis=0)
        numbers = _numbers(values)
        ax.fill_between(numbers, low, high, color=color, alpha=0.25, linewidth=0)
        ax.plot(numbers, middle, color=color, label=name)
        ends[name] = middle[-1]
    ax.set(xlabel="step", ylabel=quantity, ylim=(-0.03, 1.05))
    # these curves cross the whole picture, so no corner is free for sure: above it
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(curves) + 1, **TIGHT)
    numbers = "; ".join(f"{name} {end:.2f}" for name, end in ends.items())
    finding = f"{quantity} in the end: {levels(ends, (0, 1))}"
    ax.set_label(said(finding, f"Median after the last step: {numbers}"))
    return ax


def _numbers(values):
    """Count the columns from 1."""
    return np.arange(1, values.shape[1] + 1)
