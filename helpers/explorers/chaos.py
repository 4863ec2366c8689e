"""The explorer of the edge of chaos: a place on a map, and the network there (notebook 06)."""

import functools
import math
from typing import NamedTuple

import numpy as np
import xarray as xr

from helpers import measure, plots, theory
from helpers.catalogue import ACTIVATIONS
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import choice, new_draw, number, steps, whole
from helpers.explorers.frames import deepest_of, frame_layers, frame_sizes
from helpers.explorers.networks import DEEPEST, WIDTHS, color_of, is_large
from helpers.explorers.words import DELTA_RATIO, judge, size_in_words

WEIGHT_VARIANCES = (
    *(0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.76),
    *(1.8, 1.9, 2, 2.2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 50, 64, 80),
    *(90, 100, 103, 110, 128, 160, 200, 256, 400, 600),
)
CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999)
PRESETS = {
    "ordered": ("tanh", 1.0, 0.05),
    "critical": ("tanh", 1.76, 0.05),
    "chaotic": ("tanh", 3.0, 0.05),
    "Glorot 2010": ("tanh", 1.0, 0.0),
    "He 2015": ("relu", 2.0, 0.0),
    "sigmoid, N(0, 1), n = 103": ("sigmoid", 103, 0.0),
}
LARGEST_BIAS_VARIANCE = 0.5
MAP_REACH = 5  # the map ends at a fifth of, and at five times, the critical weight variance
MAP_SHAPE = (40, 72)  # bias variances, weight variances
NUM_NETWORKS = 12
NUM_LARGE_NETWORKS = 6  # which hardly differ


class Spot(NamedTuple):
    """One place on the map: what was measured there, and what theory says."""

    measured: xr.Dataset
    predicted: theory.ExpectedPairProfile
    scales: theory.DepthScales

    @property
    def delta(self):
        """Relative to the RMS in the last hidden layer."""
        return measure.over_last(self.measured["delta_norm"].values)

    @property
    def variances(self):
        """Of the weights and of the biases."""
        return self.measured.weight_variance, self.measured.bias_variance

    @property
    def color(self):
        """The colour of the activation."""
        return color_of(self.measured.activation)


def chaos_explorer(**first) -> Explorer:
    """Explore the edge of chaos: where a random network stands, and what that does (notebook 06).

    On the left the map of chi over the variances of weights and biases, with the critical line
    and a mark where the networks stand; on the right what theory predicts and what twelve of them
    do: delta, relative to the last hidden layer, and the correlation of two inputs.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.

    Raises
    ------
    ValueError
        For a name or a value that no control has.
    """
    widths = [units for units in WIDTHS if units <= 128]
    controls = {
        "activation": choice(ACTIVATIONS, "tanh", description="activation"),
        "weight_variance": steps(WEIGHT_VARIANCES, 1.0, description="weights σ_w²"),
        "bias_variance": number(
            0.05, 0, LARGEST_BIAS_VARIANCE, step=0.01, decimals=2, description="biases σ_b²"
        ),
        "depth": whole(30, 2, DEEPEST, description="depth"),
        "width": steps(widths, 64, description="width"),
        "correlation": steps(CORRELATIONS, 0.5, description="inputs alike"),
        "seed": new_draw(),
    }
    names = ("activation", "weight_variance", "bias_variance")
    presets = {label: dict(zip(names, values, strict=True)) for label, values in PRESETS.items()}
    panels = [
        Panel("", _draw_map, ("critical",)),
        Panel("delta", _draw_delta, ("RMS", "theory", "A")),
        Panel("correlation of two inputs", _draw_correlation),
    ]
    return Explorer(
        controls,
        _compute,
        panels,
        _find,
        grid=[[0, 1], [0, 2]],
        size=(8.0, 5.1),
        presets=presets,
        first=first,
    )


def _compute(activation, weight_variance, bias_variance, depth, width, correlation, seed):
    variances = (activation, weight_variance, bias_variance)
    size = {"depth": depth, "correlation": correlation}
    count = NUM_LARGE_NETWORKS if is_large(depth, width) else NUM_NETWORKS
    measured = measure.pair_profile(
        *variances, **size, width=width, num_replicates=count, seed=seed
    )
    predicted = theory.expected_pair_profile(*variances, **size)
    return Spot(measured, predicted, _scales(ACTIVATIONS[activation], *variances))


# The entry is an argument of these two because a learner may put another one under the same name.


@functools.lru_cache(256)
def _scales(entry, activation, weight_variance, bias_variance):
    return theory.depth_scales(activation, weight_variance, bias_variance)


@functools.lru_cache(32)
def _map(entry, activation):
    """Compute the map round an activation's critical line, and the line.

    The line is where chi, which grows with the weights, passes 1; it is looked for on a finer grid.
    """
    weight = np.geomspace(1e-4, 1e4, 600)
    bias = LARGEST_BIAS_VARIANCE * np.linspace(0, 1, 26) ** 3  # dense near 0, where the line bends
    log_chi = np.log(theory.chi_map(activation, weight, bias))
    # `interp` needs growing numbers, and rounding can make chi fall a little
    crossing = [np.interp(0, np.maximum.accumulate(row), np.log(weight)) for row in log_chi]
    line = np.exp(crossing), bias
    centre = line[0][0]
    rows, columns = MAP_SHAPE
    weight = np.geomspace(centre / MAP_REACH, MAP_REACH * centre, columns)
    bias = np.linspace(0, LARGEST_BIAS_VARIANCE, rows)
    return theory.chi_map(activation, weight, bias), weight, bias, line


def _draw_map(ax, now, pinned):
    activation = now.measured.activation
    chi, weight, bias, line = _map(ACTIVATIONS[activation], activation)
    before = None if pinned is None else pinned.variances
    plots.phase_map(chi, weight, bias, line=line, place=now.variances, pinned=before, ax=ax)


def _draw_delta(ax, now, pinned):
    series = plots.Series(now.delta, now.color, predicted=now.predicted.delta_norm)
    before = [] if pinned is None else [pinned.delta]
    plots.by_layer([series], quantity="delta", pinned=before, ax=ax)
    frame_sizes(ax, deepest_of(now.delta, *before))
    ax.set(xlabel="", ylabel="÷ last layer's")


def _draw_correlation(ax, now, pinned):
    values = now.measured["correlation"].values
    series = plots.Series(values, now.color, predicted=now.predicted.correlation)
    before = [] if pinned is None else [pinned.measured["correlation"].values]
    plots.correlations([series], limit=now.scales.c, pinned=before, ax=ax)
    frame_layers(ax, deepest_of(values, *before))


def _find(now):
    delta = now.measured["delta_norm"].values
    word, dead = judge(delta)
    size = size_in_words(measure.first_over_last(delta))
    forecast = size_in_words(now.predicted.delta_norm[0])
    scales = now.scales
    reach = "ξ_c has no limit: the critical line."
    if math.isfinite(scales.xi_correlation):
        once = size_in_words(scales.xi_correlation)
        reach = f"ξ_c is {once} layers, 6 ξ_c {size_in_words(6 * scales.xi_correlation)}."
    return Finding(
        f"{word.capitalize()}: {dead}delta = dL/dz in the first hidden layer is {size} of the "
        f"last's (theory {forecast}). Deep inside χ₁ = {scales.chi:.3g}, so a layer multiplies "
        f"delta by {math.sqrt(scales.chi):.3g}. Two inputs settle at correlation {scales.c:.2f}; "
        f"{reach}",
        {DELTA_RATIO: size},
    )
