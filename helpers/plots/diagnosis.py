"""What a diagnosis measured: sizes by layer, and how they went from epoch to epoch."""

import math

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots.epochs import heat_map
from helpers.plots.findings import moved, said
from helpers.plots.style import (
    REFERENCE,
    SMALL_TEXT,
    TIGHT,
    axes_or_new,
    log10_size,
    log_line,
    log_ticks,
    plain_ticks,
    round_limits,
    scientific,
)

NAMES = 12  # layers whose names stand on the axis; of more, every so many-th
LONGEST_NAME = 18  # letters of a name on the axis
UPDATE_BAND = (-4, -2)  # log10 of the usual update ratios
UPDATE_TARGET = -3
BAND_COLOR = "#009E73"
# variable -> what its line is called and how it looks
LINES = {
    "delta_norm": ("delta", {"color": "#0072B2", "marker": "o"}),
    "gradient_norm": ("kernel gradient", {"color": "#D55E00", "marker": "s", "linestyle": "--"}),
    "update_ratio": ("update ratio", {"color": BAND_COLOR, "marker": "^", "linestyle": ":"}),
}


def diagnosis_by_layer(table, *, verdict="", ax=None):
    """Draw delta, kernel gradient and update ratio by layer, on one log axis, in forward order.

    The band is where update ratios usually are. A cross on the floor is an exact 0; what isn't
    known leaves a gap.

    Parameters
    ----------
    table : xarray.Dataset
        That of ``diagnosis.diagnose``.
    verdict : str
        The title.
    """
    ax = axes_or_new(ax)
    names = table.layer.values
    numbers = np.arange(1, len(names) + 1)
    logs = {name: log10_size(table[name].values) for name in LINES if name in table}
    floor, ceiling = round_limits(np.concatenate(list(logs.values())), log=True)
    if "update_ratio" in logs:
        _draw_band(ax)
        floor = min(floor, UPDATE_BAND[0] - 1)
    # a marker on each of 200 layers would hide the line
    every = math.ceil(len(names) / 40)
    for name, values in logs.items():
        label, style = LINES[name]
        shown = np.where(np.isposinf(values), np.nan, values)
        _draw_line(ax, numbers, shown, label=label, markersize=6, markevery=every, **style)
    ax.set(title=verdict, xlabel="", xlim=(0.5, len(names) + 0.5), ylim=(floor, max(ceiling, 0.5)))
    log_ticks(ax.yaxis)
    _name_layers(ax.xaxis, names)
    _legend_above(ax, len(logs))
    ax.set_label(_sentence(table, logs))
    return ax


def _draw_band(ax):
    """Shade the band of usual update ratios, and draw the line in its middle."""
    ax.axhspan(*UPDATE_BAND, color=BAND_COLOR, alpha=0.1, linewidth=0)
    ax.axhline(UPDATE_TARGET, **REFERENCE | {"color": BAND_COLOR})


def _draw_line(ax, numbers, logs, **style):
    """Draw a line with gaps where a value isn't known, and crosses for exact zeros."""
    # NaN makes a gap
    line = np.where(np.isneginf(logs), np.nan, logs)
    ax.plot(numbers, line, **style)
    zero = np.isneginf(logs)
    if zero.any():
        log_line(ax, numbers[zero], logs[zero])


def _name_layers(axis, names):
    """Write the names of a few layers, or of all, along an axis whose places count from 1."""
    every = math.ceil(len(names) / NAMES)
    places = np.arange(0, len(names), every)
    axis.set_ticks(places + 1, [_short(names[place]) for place in places])
    axis.set_tick_params(labelsize=SMALL_TEXT)
    # turned, as names are longer than a layer is wide
    if axis.axis_name == "x":
        axis.set_tick_params(labelrotation=35)
        for label in axis.get_ticklabels():
            label.set(ha="right", rotation_mode="anchor")


def _short(name):
    """Cut a long name in front: its end tells it from its neighbours."""
    name = str(name)
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


def _legend_above(ax, columns):
    """Put the legend above the lines, where none can be."""
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1.0),
        ncols=columns,
        fontsize=SMALL_TEXT,
        borderaxespad=0.2,
        **TIGHT,
    )


def _name_ends(ax, names):
    """Name the first layer and the last in a legend: the others lie between them, dark to light."""
    lines = {line.get_label(): line for line in ax.lines}
    ends = dict.fromkeys([str(names[0]), str(names[-1])])
    shown = [lines[name] for name in ends]
    style = {"loc": "lower right", "bbox_to_anchor": (1, 1.0), "fontsize": SMALL_TEXT}
    ax.legend(shown, [_short(name) for name in ends], ncols=2, borderaxespad=0.2, **style, **TIGHT)


def _sentence(table, logs):
    """Say what the picture shows: both ends of delta, and the range of the update ratios."""
    first, last = table.layer.values[[0, -1]]
    delta = logs["delta_norm"]
    # in a decade's steps, and not in the words of the verdict, which an exam's picture must not say
    course = moved(delta[-1], delta[0], 1)
    finding = f"delta {course} from {last} back to {first}"
    numbers = (
        f"{len(table.layer)} kernels; delta is {scientific(delta[0])} in the first and "
        f"{scientific(delta[-1])} in the last"
    )
    ratios = logs.get("update_ratio", np.array([]))
    ratios = ratios[~np.isnan(ratios)]
    if len(ratios):
        low, high = ratios.min(), ratios.max()
        finding += f"; update ratios mostly {_beside_the_band(np.median(ratios))}"
        numbers += f"; update ratios from {scientific(low)} to {scientific(high)}"
    return said(finding, numbers)


def _beside_the_band(log10):
    """Say where an update ratio lies."""
    low, high = UPDATE_BAND
    if low <= log10 <= high:
        return "within the band"
    return "above the band" if log10 > high else "below the band"


def watched(recording):
    """Draw a recording of ``GradientWatch``: delta as a heat map, and the update ratios.

    Returns
    -------
    array of two Axes
    """
    layers = len(recording.layer)
    # a line of the map needs room for a name, as far as all are named
    height = 2.4 + 0.22 * min(layers, NAMES)
    _, axes = plt.subplots(1, 2, figsize=(11, height))
    heat_map(recording, "delta_norm", ax=axes[0])
    _name_layers(axes[0].yaxis, recording.layer.values)
    axes[0].set_ylabel("")
    update_ratios(recording, ax=axes[1])
    return axes


def update_ratios(recording, *, ax=None):
    """Draw the update ratio of each kernel by epoch, with 10^-3 and the usual band around it.

    Parameters
    ----------
    recording : xarray.Dataset
        With the variable "update_ratio"; its first replicate is drawn.
    """
    ax = axes_or_new(ax)
    logs = log10_size(recording["update_ratio"].values[0])
    epochs = recording.epoch.values
    colors = plt.colormaps["cividis"](np.linspace(0, 0.82, max(logs.shape[1], 2)))
    low, high = round_limits(logs.ravel(), log=True)
    _draw_band(ax)
    for values, color, name in zip(logs.T, colors, recording.layer.values, strict=False):
        shown = np.where(np.isfinite(values), values, np.nan)
        ax.plot(epochs, shown, color=color, marker="o", markersize=3, label=str(name))
    ax.set(title="update ratio", xlabel="epoch", ylabel="", xlim=(0, max(epochs[-1], 1)))
    ax.set_ylim(min(low, UPDATE_BAND[0] - 1), max(high, UPDATE_BAND[1] + 1))
    plain_ticks(ax, integer=True)
    log_ticks(ax.yaxis)
    _name_ends(ax, recording.layer.values)
    last = logs[-1][np.isfinite(logs[-1])]
    inside = int(((last >= UPDATE_BAND[0]) & (last <= UPDATE_BAND[1])).sum())
    ax.set_label(
        f"update ratio at epoch {epochs[-1]:g}: {inside} of {logs.shape[1]} kernels are in the "
        f"band from {scientific(UPDATE_BAND[0])} to {scientific(UPDATE_BAND[1])}."
    )
    return ax
