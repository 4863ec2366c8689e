"""The explorer of activation functions: what each does to a normal pre-activation."""

from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from helpers import plots, theory
from helpers.catalogue import ACTIVATIONS
from helpers.explorer import Explorer, Finding, choice

REACHES = (2, 4, 8, 20)  # of z to each side of 0: the axes stand still in between


class _Shown(NamedTuple):
    """One setting, computed."""

    activation: str
    z: np.ndarray
    phi: np.ndarray
    slope: np.ndarray
    density: np.ndarray
    pushed: theory.PushForward


def activation_explorer() -> Explorer:
    """Explore an activation function under a normal pre-activation z (notebook 05).

    Left the function and its derivative over z, with the hill that z ~ N(mean, spread^2) makes;
    right which values of phi(z) and of phi'(z) come out how often, values that are hit exactly as
    stems on the same scale. Compare two by pinning the first.
    """
    controls = {
        "activation": choice(ACTIVATIONS, "relu", description="activation"),
        "mean": widgets.FloatSlider(
            0.0, min=-4, max=4, step=0.1, readout_format=".1f", description="mean of z"
        ),
        "spread": widgets.FloatSlider(
            1.0, min=0.1, max=5, step=0.1, readout_format=".1f", description="spread of z"
        ),
    }
    presets = {
        "as initialised": {"mean": 0.0, "spread": 1.0},
        "linear region": {"mean": 0.0, "spread": 0.1},
        "saturated": {"mean": 0.0, "spread": 5.0},
        "pushed low": {"mean": -4.0, "spread": 1.0},
    }
    return Explorer(controls, _compute, _draw, grid=(2, 2), presets=presets)


def _compute(activation, mean, spread):
    entry = ACTIVATIONS[activation]
    reach = next(r for r in REACHES if r >= abs(mean) + 3 * spread)
    z = reach * (np.arange(-200, 200) + 0.5) / 200  # a kink at 0 falls between two
    density = np.exp(-(((z - mean) / spread) ** 2) / 2)
    pushed = theory.push_forward(activation, mean=mean, spread=spread)
    return _Shown(activation, z, entry.function(z), entry.derivative(z), density, pushed)


def _draw(axes, now, pinned):
    color = plots.COLORS.get(now.activation, plots.OTHER_COLOR)
    parts = (("phi", "φ(z)", "activation φ(z)"), ("slope", "φ′(z)", "slope φ′(z)"))
    for (left, right), (part, title, label) in zip(axes.reshape(2, 2), parts, strict=True):
        values, below = getattr(now, part), None
        limits = plots.value_limits(values)
        if pinned is not None:
            below = pinned.z, getattr(pinned, part)
            limits = plots.value_limits(values, below[1])
        plots.over_z(
            now.z, values, now.density, limits, title=title, color=color, pinned=below, ax=left
        )
        plots.small_legend(left, "A")
        plots.value_shares(
            getattr(now.pushed, part), limits, label=label, color=color, ax=right,
            pinned=None if pinned is None else getattr(pinned.pushed, part),
        )  # fmt: skip
    return _finding(now)


def _finding(now):
    mean, square, _, slope_square = now.pushed.moments
    zeros, off = (part.atoms.get(0.0, 0.0) for part in now.pushed[1:])
    word = "Centred" if abs(mean) < 0.05 * np.sqrt(square) else "Not centred"
    if off > 0.99:
        word = "Off"
    first = f"{round(mean, 2) + 0.0:.2f}"  # no "-0.00"
    sentence = (
        f"{word}: E[φ] = {first}, E[φ²] = {square:.3g}, E[φ′²] = {slope_square:.3g}. "
        f"χ = n Var W · E[φ′²] is {2 * slope_square:.3g} under He, {slope_square:.3g} under LeCun"
    )
    if slope_square > 1e-6:
        sentence += f", 1 at n Var W = {1 / slope_square:.3g}"
    if zeros or off:
        sentence += f". Exactly 0: {plots.percent(zeros)} % of φ, {plots.percent(off)} % of φ′"
    return Finding(sentence + ".", "E[φ] and E[φ′²]", f"{first} and {slope_square:.3g}")
