"""The explorer of the edge of chaos: a place on a map, and the network that stands there."""

import functools
import math
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np
import xarray as xr

from helpers import measure, plots, theory
from helpers.catalogue import ACTIVATIONS
from helpers.explorer import Explorer, Finding, choice
from helpers.explorers.networks import WIDTHS, in_words, is_large, judge

WEIGHT_VARIANCES = (
    0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.76, 1.8, 1.9,
    2, 2.2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 50, 64, 80, 90, 100, 103, 110,
    128, 160, 200, 256, 400, 600,
)  # fmt: skip
CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999)
CHAOS_PRESETS = {
    "ordered": ("tanh", 1.0, 0.05),
    "critical": ("tanh", 1.76, 0.05),
    "chaotic": ("tanh", 3.0, 0.05),
    "Glorot 2010": ("tanh", 1.0, 0.0),
    "He 2015": ("relu", 2.0, 0.0),
    "sigmoid, N(0, 1), n = 103": ("sigmoid", 103, 0.0),
}


def chaos_explorer() -> Explorer:
    """Explore the edge of chaos: where a random network stands, and what that does (notebook 06).

    On the left the map of chi over the variances of weights and biases, with the critical line
    and a mark where the networks stand; on the right what theory predicts and what twelve of them
    do: delta, relative to the last hidden layer, and the correlation of two inputs.
    """
    variances = [(f"{v:g}", v) for v in WEIGHT_VARIANCES]
    likeness = [(f"{c:g}", c) for c in CORRELATIONS]
    controls = {
        "activation": choice(ACTIVATIONS, "tanh", description="activation"),
        "weight_variance": widgets.SelectionSlider(
            options=variances, value=1.0, description="weights σ_w²"
        ),
        "bias_variance": widgets.FloatSlider(
            0.05, min=0, max=0.5, step=0.01, readout_format=".2f", description="biases σ_b²"
        ),
        "depth": widgets.IntSlider(30, 2, 50, description="depth"),
        "width": widgets.SelectionSlider(
            options=[w for w in WIDTHS if w <= 128], value=64, description="width"
        ),
        "correlation": widgets.SelectionSlider(
            options=likeness, value=0.5, description="inputs alike"
        ),
        "seed": widgets.Button(description="New draw", icon="refresh"),
    }
    names = ("activation", "weight_variance", "bias_variance")
    presets = {
        label: dict(zip(names, values, strict=True)) for label, values in CHAOS_PRESETS.items()
    }
    return Explorer(
        controls, _compute, _draw, grid=[[0, 1], [0, 2]], size=(8.0, 5.1), presets=presets
    )


class _Place(NamedTuple):
    measured: xr.Dataset
    predicted: theory.PairSignals
    scales: theory.DepthScales

    @property
    def delta(self):
        """Relative to the RMS in the last hidden layer."""
        return measure.over_last(self.measured["delta_norm"].values)

    @property
    def point(self):
        return self.measured.weight_variance, self.measured.bias_variance


def _compute(activation, weight_variance, bias_variance, depth, width, correlation, seed):
    """Measure twelve networks, or six of large ones, which hardly differ; and predict them."""
    setting = activation, weight_variance, bias_variance
    size = {"depth": depth, "correlation": correlation}
    count = 6 if is_large(depth, width) else 12
    measured = measure.pair_profile(*setting, **size, width=width, num_replicates=count, seed=seed)
    predicted = theory.pair_signals(*setting, **size)
    entry = ACTIVATIONS[activation]
    return _Place(measured, predicted, _scales(entry, *setting))


@functools.lru_cache(256)
def _scales(entry, activation, weight_variance, bias_variance):
    return theory.depth_scales(activation, weight_variance, bias_variance)


@functools.lru_cache(32)
def _map(entry, activation):
    """Compute the map round an activation's critical line, and the line: computed once."""
    weight = np.geomspace(1e-4, 1e4, 600)
    bias = 0.5 * np.linspace(0, 1, 26) ** 3
    log_chi = np.log(theory.chi_map(activation, weight, bias))
    crossing = [np.interp(0, np.maximum.accumulate(row), np.log(weight)) for row in log_chi]
    line = np.exp(crossing), bias
    centre = line[0][0]
    weight, bias = np.geomspace(centre / 5, 5 * centre, 72), np.linspace(0, 0.5, 40)
    return theory.chi_map(activation, weight, bias), weight, bias, line


def _draw(axes, now, pinned):
    activation = now.measured.activation
    color = plots.COLORS.get(activation, plots.OTHER_COLOR)
    before = [] if pinned is None else [pinned]
    chi, weight, bias, line = _map(ACTIVATIONS[activation], activation)
    plots.phase_map(
        chi, weight, bias, line=line, place=now.point, pinned=pinned and pinned.point, ax=axes[0]
    )
    plots.by_layer(
        [plots.Series(now.delta, color, predicted=now.predicted.delta_norm)],
        quantity="delta", pinned=[p.delta for p in before], ax=axes[1],
    ).set(xlabel="", ylabel="÷ last layer's")  # fmt: skip
    plots.correlations(
        [plots.Series(now.measured["correlation"].values, color,
                      predicted=now.predicted.correlation)],
        limit=now.scales.c, pinned=[p.measured["correlation"].values for p in before], ax=axes[2],
    )  # fmt: skip
    plots.small_legend(axes[0], "critical")
    plots.small_legend(axes[1], "RMS", "theory", "A")
    return _finding(now)


def _finding(now):
    delta = now.measured["delta_norm"].values
    word, count = judge(delta)
    size, scales = in_words(measure.first_over_last(delta)), now.scales
    sentence = (
        f"{word.capitalize()}: {count}delta = dL/dz in the first hidden layer is "
        f"{size} of the last's "
        f"(theory {in_words(now.predicted.delta_norm[0])}). Deep inside χ₁ = "
        f"{scales.chi:.3g}, so a layer multiplies delta by {math.sqrt(scales.chi):.3g}. Two inputs "
        f"settle at correlation {scales.c:.2f}; "
    )
    if math.isfinite(scales.xi_correlation):
        reach = scales.xi_correlation
        sentence += f"ξ_c is {in_words(reach)} layers, 6 ξ_c {in_words(6 * reach)}."
    else:
        sentence += "ξ_c has no limit: the critical line."
    return Finding(sentence, "first-layer delta over the last's", size)
