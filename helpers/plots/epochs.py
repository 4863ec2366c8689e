"""What a recording holds, over the epochs: a line a layer, heat maps, loss and accuracy."""

import math
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots.findings import compared, listed, moved, said
from helpers.plots.style import (
    BAND,
    OTHER_COLOR,
    PINNED,
    REFERENCE,
    SMALL_TEXT,
    ZERO,
    axes_or_new,
    layer_colors,
    log10_size,
    log_ticks,
    number_in_words,
    plain_ticks,
    power_of_ten,
    round_limits,
    round_up,
    scientific,
)

LOG_SCALE = ("delta_norm", "gradient_norm", "gradient_std", "update_ratio")  # sizes above 0
HEAT_TITLES = {"delta_norm": "delta"}  # short, as the scale of the colours stands beside it
NAMED_LAYERS = 6  # with more layers than these a legend names only a few
CROSSES = 20  # about so many of the exact zeros of a line are marked; more would be a bar


def over_epochs(recording, name, *, legend=True, pinned=None, ax=None):
    """Draw one quantity of a recording against the epoch, a line for each layer.

    With several replicates a line is their median, in a band from the 10th to the 90th percentile.
    Norms, standard deviations of gradients and update ratios are on a log scale.

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

    Raises
    ------
    ValueError
        If `recording` has no variable called `name`.
    """
    ax = axes_or_new(ax)
    log = name in LOG_SCALE
    has_layers = "layer" in recording[name].dims
    array = _with_layers(recording[name])
    layers = array.layer.values
    epochs = recording.epoch.values
    colors = _line_colors(layers) if has_layers else {name: OTHER_COLOR}
    num_networks = len(array)
    curves = _curves(array.values, log=log)  # 10, 50 and 90 %; (3, step, layer)
    drawn = [curves.ravel()]
    if pinned is not None:
        pinned_median = _curves(pinned[name].values, log=log)[1].reshape(pinned.sizes["step"], -1)
        drawn.append(pinned_median.ravel())
    floor, ceiling = round_limits(np.concatenate(drawn), log=log)
    # Before the others, so that it lies below them.
    if pinned is not None:
        ax.plot(pinned.epoch, pinned_median, **PINNED | {"linewidth": 3}, label="A")
    for number, layer in enumerate(layers):
        style = {"color": colors[layer], "label": layer}
        _draw_layer(ax, epochs, curves[..., number], floor, band=num_networks > 1, **style)
    # Once a network has exploded it stays so: its last row tells.
    exploded = int((~np.isfinite(array.values[:, -1])).any(axis=-1).sum())
    if recording.attrs.get("diverged_at", -1) >= 0:
        _mark_explosion(ax, recording.attrs, ceiling, exploded, num_networks)
    # At least one epoch, as limits from 0 to 0 would be widened to both sides.
    ax.set(xlabel="epoch", xlim=(0, max(epochs[-1], 1)), ylim=(floor, ceiling))
    plain_ticks(ax)
    _value_axis(ax.yaxis, array, log=log)
    if legend and has_layers:
        _layer_legend(ax)
    span = 1.0 if log else ceiling - floor
    ax.set_label(_said(array, curves[1], epochs[-1], exploded, log=log, span=span))
    return ax


def _line_colors(layers):
    """Give each layer its colour; those of the learner's own names run from dark to light."""
    colors = layer_colors(layers)
    others = [name for name in layers if name not in colors]
    ramp = plt.colormaps["cividis"](np.linspace(0, 0.82, max(len(others), 2)))
    return colors | dict(zip(others, ramp, strict=False))


def _with_layers(array):
    """Return `array` with the dimensions replicate, step, layer; without layers it gets one."""
    if "layer" in array.dims:
        return array.transpose("replicate", "step", "layer")
    return array.transpose("replicate", "step").expand_dims(layer=[array.name], axis=-1)


def _curves(values, *, log):
    """Compute BAND's quantiles over the replicates, the first axis; with `log` their log10."""
    # The log last, so that the median of two networks is the mean of their sizes.
    quantiles = _quantiles(_finite_or_nan(values))
    return log10_size(quantiles) if log else quantiles


def _draw_layer(ax, epochs, curve, floor, *, band, color, label):
    """Draw one line of `over_epochs`: `curve` holds 10, 50 and 90 %, shape (3, step)."""
    low, median, high = curve
    alive = np.isfinite(median)
    zero = np.isneginf(median)
    marker = "o" if alive.sum() == 1 else ""  # a line of one point would not be seen
    ax.plot(epochs[alive], median[alive], marker=marker, color=color, label=label)
    if band:
        lower_edge = np.maximum(low, floor)  # -inf can't be filled
        ax.fill_between(epochs, lower_edge, high, where=alive, color=color, alpha=0.15, linewidth=0)
    if zero.any():
        every = max(1, zero.sum() // CROSSES)
        ax.plot(epochs[zero], np.full(zero.sum(), floor), "x", markevery=every, **ZERO)


def _mark_explosion(ax, attrs, ceiling, exploded, num_networks):
    """Draw a red line at the step of the first explosion, and say so beside it."""
    step = attrs["diverged_at"]
    epoch = step / attrs["steps_per_epoch"]
    who = f"{exploded} of {num_networks} exploded, first" if num_networks > 1 else "exploded"
    ax.axvline(epoch, color=ZERO["color"], linestyle="--")
    ax.text(epoch, ceiling, f" {who} at step {step}", color=ZERO["color"], va="top")


def _value_axis(axis, array, *, log):
    """Label the axis of values from what the recording says of them."""
    unit = array.attrs.get("units", "1")
    notes = [unit] * (unit != "1") + ["log scale"] * log
    text = str(array.attrs.get("long_name", array.name))
    text += f" [{', '.join(notes)}]" if notes else ""
    # In short lines, as a panel is seldom as high as a long name is wide.
    axis.set_label_text(textwrap.fill(text, 24), fontsize=SMALL_TEXT)
    if log:
        log_ticks(axis)


def _layer_legend(ax):
    """Name the layers beside the axes; of many the first, middle and last hidden and the output."""
    handles, labels = ax.get_legend_handles_labels()
    shown = range(len(labels))
    if len(labels) > NAMED_LAYERS:
        shown = [0, (len(labels) - 1) // 2, -2, -1]
    ax.legend(
        [handles[k] for k in shown],
        [labels[k] for k in shown],
        loc="center left",
        bbox_to_anchor=(1, 0.5),
    )


def _said(array, median, last_epoch, exploded, *, log, span):
    """Say how the first and the last layer go, where their medians begin and end, what exploded."""
    layers = array.layer.values
    num_networks = len(array)
    quantity = array.attrs.get("long_name", array.name)
    finding = f"{quantity}: {_course(layers, median, log=log, span=span)}"
    if exploded:
        finding += f", and {exploded} of {num_networks} networks exploded"
    ends = []
    # A set, as the first layer may be the last one.
    for number in sorted({0, len(layers) - 1}):
        first = number_in_words(median[0, number], log=log)
        last = number_in_words(median[-1, number], log=log)
        ends.append(f"{layers[number]} from {first} to {last}")
    networks = f", median of {num_networks} networks" if num_networks > 1 else ""
    return said(finding, f"Epoch 0 to {last_epoch:g}{networks}: {'; '.join(ends)}")


def _course(layers, median, *, log, span):
    """Say how the lines go: sizes beside each other at both ends, other quantities one by one."""
    first, last = layers[0], layers[-1]
    # over a tenth of the way: a line jitters from batch to batch
    some = max(1, len(median) // 10)
    ends = [np.median(part, axis=0) for part in (median[:some], median[-some:])]
    if log and len(layers) > 1:
        start, end = (compared(*sizes[[0, -1]]) for sizes in ends)
        also = f"{end} it" if end != start else "still so"
        return f"{first} starts {start} {last}, and ends {also}"
    ways = {}
    for number in sorted({0, len(layers) - 1}):
        way = moved(ends[0][number], ends[1][number], span / 10)
        ways.setdefault(way, []).append(layers[number])
    if len(layers) == 1:
        return next(iter(ways))
    return "; ".join(f"{listed(names)} {_plural(way, names)}" for way, names in ways.items())


def _plural(way, names):
    """Return a verb for as many subjects as there are: "rises", but "rise" for two."""
    if len(names) == 1:
        return way
    verb, *rest = way.split(" ")
    return " ".join([verb.removesuffix("s"), *rest])


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
    rows = len(names)
    columns = len(recordings)
    # wide and low, so that two rows and the code above them are in sight together
    size = (2.2 + 3.1 * max(columns, 3), 0.9 + max(1.35 * rows, 2.2))
    _, axes = plt.subplots(rows, columns, sharex=True, figsize=size, squeeze=False)
    with_layers = [n for n in names if "layer" in next(iter(recordings.values()))[n].dims]
    for row, name in enumerate(names):
        for column, (title, recording) in enumerate(recordings.items()):
            legend = column == columns - 1 and name in with_layers[:1]  # one for all, at the right
            ax = over_epochs(recording, name, legend=legend, ax=axes[row, column])
            # each panel names its column
            ax.set_label(f"{title}, {ax.get_label()}")
            # an empty line above each row, where its quantity stands
            ax.set_title(f"{title}\n" if row == 0 else " ")
            if column > 0:
                ax.tick_params(labelleft=False)
            else:
                _name_row(ax)
            ax.set_ylabel("")
            if row < rows - 1:
                ax.set_xlabel("")
        # Not `sharey`, whose last panel would set the limits of all.
        limits = np.array([ax.get_ylim() for ax in axes[row]])
        for ax in axes[row]:
            ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
    return axes


def _name_row(ax):
    """Write what stands along the y-axis above it: a row is lower than such a name is long."""
    words = {"transform": ax.transAxes, "va": "bottom", "fontsize": SMALL_TEXT}
    # not in the layout, as it runs on over the next column
    ax.text(0, 1.03, " ".join(ax.get_ylabel().split()), in_layout=False, **words)


def learning_curves(recording, *, pinned=None, color=OTHER_COLOR, ax=None):
    """Draw loss and accuracy against the epoch: medians over the replicates, bands 10-90 %.

    Parameters
    ----------
    recording : xarray.Dataset
        What ``train`` gives.
    pinned : xarray.Dataset, optional
        An earlier recording, its medians in grey as "A".
    """
    ax = axes_or_new(ax)
    ceiling = 1.02  # an accuracy of 1 isn't cut
    last_epoch = max(1, recording.epoch.values[-1])
    for name, dashes in (("loss", "-"), ("accuracy", (0, (2, 1)))):
        if pinned is not None:
            median = _curves(pinned[name].values, log=False)[1]
            grey = PINNED | {"linestyle": dashes, "linewidth": 3, "dash_capstyle": "butt"}
            # A label that starts with "_" stays out of the legend, which needs one "A" only.
            ax.plot(pinned.epoch, median, label="A" if name == "loss" else "_A", **grey)
            last_epoch = max(last_epoch, pinned.epoch.values[-1])
        low, median, high = _curves(recording[name].values, log=False)
        ax.fill_between(recording.epoch, low, high, color=color, alpha=0.2, linewidth=0)
        ax.plot(recording.epoch, median, color=color, linestyle=dashes, label=name)
        ceiling = max(ceiling, np.nanmax(high, initial=0))
    # A loss above that gets limits in round steps, in tenths.
    if ceiling > 1.02:
        ceiling = round_up(10 * ceiling) / 10
    ax.set(title="", xlabel="epoch", ylabel="", xlim=(0, last_epoch), ylim=(0, ceiling))
    plain_ticks(ax)
    final = np.median(recording["accuracy"].values[:, -1])
    ax.set_label(
        f"After {recording.epoch.values[-1]:g} epochs the median accuracy of "
        f"{len(recording.replicate)} networks is {final:.3f}."
    )
    return ax


def mark_epoch(epoch, *, ax=None):
    """Draw a dotted line at the epoch that other panels show, and write the epoch beside it."""
    ax = axes_or_new(ax)
    ax.axvline(epoch, **REFERENCE)
    left, right = ax.get_xlim()
    words = {
        "transform": ax.get_xaxis_transform(),
        "fontsize": SMALL_TEXT,
        "va": "center",
        "ha": "left" if epoch < (left + right) / 2 else "right",
        "bbox": {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
    }
    ax.text(epoch, 0.5, f" epoch {epoch} ", **words)
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
    ax = axes_or_new(ax)
    logs = _curves(recording[name].values, log=True)[1].T  # (layer, step)
    finite = logs[np.isfinite(logs)]
    low = finite.min() if finite.size else 0
    high = max(finite.max(initial=low), low + 0.5)  # equal sizes need a scale, too
    last = max(recording.epoch.values[-1], 1)
    box = (0, last, 0.5, len(logs) + 0.5)
    shade = {"aspect": "auto", "vmin": low, "vmax": high, "zorder": 1}  # over the grid
    ax.imshow(logs, origin="lower", extent=box, interpolation="nearest", **shade)
    _color_scale(ax, low, high, shade)
    title = HEAT_TITLES.get(name, name.replace("_", " "))
    ax.set(title=title, xlabel="epoch", ylabel="hidden layer", xlim=box[:2], ylim=box[2:])
    plain_ticks(ax, integer=True)
    quantity = recording[name].attrs.get("long_name", name)
    course = _course(recording.layer.values, logs.T, log=True, span=1)
    numbers = (
        f"First layer and last: from {scientific(logs[0, 0])} and {scientific(logs[-1, 0])} to "
        f"{scientific(logs[0, -1])} and {scientific(logs[-1, -1])}"
    )
    ax.set_label(said(f"{quantity}: {course}", numbers))
    return ax


def _color_scale(ax, low, high, shade):
    """Draw the colours of `heat_map` beside its title, from log10 `low` to `high`.

    It is an image above these axes: a colour bar of its own would take their room and need another
    layout at every picture.
    """
    left = 0.5  # these in units of the axes
    right = 0.84
    # One row of pixels, as an image needs two dimensions.
    ramp = np.linspace(low, high, 64)[None]
    ax.imshow(
        ramp, extent=(left, right, 1.04, 1.11), clip_on=False, transform=ax.transAxes, **shade
    )
    for x, log10, align in ((left - 0.01, low, "right"), (right + 0.01, high, "left")):
        ax.text(x, 1.035, _one_digit(log10), transform=ax.transAxes, ha=align, fontsize=13)


def _one_digit(log10):
    """Write the number with this log10 with one digit, or only its power of ten."""
    # Through float, so that 1e+02 becomes 100.
    if -3 < log10 < 4:
        return f"{float(f'{10**log10:.1g}'):g}"
    return power_of_ten(math.floor(log10))


def _finite_or_nan(values):
    """Return `values` with NaN in place of infinities."""
    return np.where(np.isfinite(values), values, np.nan)


def _quantiles(values):
    """Compute BAND's quantiles over the replicates, the first axis, without those that are NaN.

    Where all replicates are NaN the quantiles are, too.
    """
    # The usual case apart, as `nanquantile` takes a hundred times as long.
    if not np.isnan(values).any():
        return np.quantile(values, BAND, axis=0)
    gone = np.isnan(values).all(axis=0)
    filled = np.where(gone, 0, values)  # `nanquantile` warns where nothing is left
    return np.where(gone, np.nan, np.nanquantile(filled, BAND, axis=0))
