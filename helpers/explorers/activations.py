"""The explorer of activation functions: what each does to a normal z (notebook 05)."""

from typing import NamedTuple

import numpy as np

from helpers import plots, theory
from helpers.catalogue import ACTIVATIONS
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import choice, number
from helpers.explorers.networks import color_of

REACHES = (2, 4, 8, 20)  # of z to each side of 0: the axes stand still in between
SHOWN_SPREADS = 3  # standard deviations of z that are within reach at least
HALF_POINTS = 200  # at which a function is drawn, to each side of 0
OFF_SHARE = 0.99  # of the slopes that are exactly 0, from which on a unit counts as off
CENTRED_SHARE = 0.05  # |mean| over RMS, below which a mean counts as 0
SLOPE_FLOOR = 1e-6  # a smaller mean square slope has no critical variance worth saying
PRESETS = {
    "as initialised": {"mean": 0.0, "spread": 1.0},
    "linear region": {"mean": 0.0, "spread": 0.1},
    "saturated": {"mean": 0.0, "spread": 5.0},
    "pushed low": {"mean": -4.0, "spread": 1.0},
}


class Curves(NamedTuple):
    """One setting, computed: phi and its slope over z, z's density, and what comes out."""

    activation: str
    z: np.ndarray
    phi: np.ndarray
    slope: np.ndarray
    density: np.ndarray
    pushed: theory.PushForward


def activation_explorer(**first) -> Explorer:
    """Explore an activation function under a normal pre-activation z (notebook 05).

    Left the function and its derivative over z, with the hill that z ~ N(mean, spread^2) makes;
    right which values of phi(z) and of phi'(z) come out how often, values that are hit exactly as
    stems on the same scale. Compare two by pinning the first.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.

    Raises
    ------
    ValueError
        For a name or a value that no control has.
    """
    controls = {
        "activation": choice(ACTIVATIONS, "relu", description="activation"),
        "mean": number(0.0, -4, 4, step=0.1, decimals=1, description="mean of z"),
        "spread": number(1.0, 0.1, 5, step=0.1, decimals=1, description="spread of z"),
    }
    panels = [
        Panel("φ(z)", _draw_over_z("phi", "φ(z)"), ("A",)),
        Panel("", _draw_shares("phi", "activation φ(z)")),
        Panel("φ′(z)", _draw_over_z("slope", "φ′(z)"), ("A",)),
        Panel("", _draw_shares("slope", "slope φ′(z)")),
    ]
    return Explorer(controls, _compute, panels, _find, grid=(2, 2), presets=PRESETS, first=first)


def _compute(activation, mean, spread):
    entry = ACTIVATIONS[activation]
    reach = next(reach for reach in REACHES if reach >= abs(mean) + SHOWN_SPREADS * spread)
    # a kink at 0 falls between two points
    z = reach * (np.arange(-HALF_POINTS, HALF_POINTS) + 0.5) / HALF_POINTS
    density = np.exp(-(((z - mean) / spread) ** 2) / 2)
    pushed = theory.push_forward(activation, mean=mean, std=spread)
    return Curves(activation, z, entry.function(z), entry.derivative(z), density, pushed)


def _limits(part, now, pinned):
    """Limits that hold the part of both."""
    both = [now] if pinned is None else [now, pinned]
    return plots.value_limits(*(getattr(one, part) for one in both))


def _draw_over_z(part, title):
    def draw(ax, now, pinned):
        before = None if pinned is None else (pinned.z, getattr(pinned, part))
        plots.over_z(
            now.z,
            getattr(now, part),
            now.density,
            _limits(part, now, pinned),
            title=title,
            color=color_of(now.activation),
            pinned=before,
            ax=ax,
        )

    return draw


def _draw_shares(part, label):
    def draw(ax, now, pinned):
        plots.value_shares(
            getattr(now.pushed, part),
            _limits(part, now, pinned),
            label=label,
            color=color_of(now.activation),
            pinned=None if pinned is None else getattr(pinned.pushed, part),
            ax=ax,
        )

    return draw


def _find(now):
    mean, square, _, slope_square = now.pushed.moments
    zeros = now.pushed.phi.atoms.get(0.0, 0.0)
    off = now.pushed.slope.atoms.get(0.0, 0.0)
    word = "Centred" if abs(mean) < CENTRED_SHARE * np.sqrt(square) else "Not centred"
    if off > OFF_SHARE:
        word = "Off"
    first = f"{round(mean, 2) + 0.0:.2f}"  # no "-0.00"
    sentence = (
        f"{word}: E[φ] = {first}, E[φ²] = {square:.3g}, E[φ′²] = {slope_square:.3g}. "
        f"χ = n Var W · E[φ′²] is {2 * slope_square:.3g} under He, {slope_square:.3g} under LeCun"
    )
    if slope_square > SLOPE_FLOOR:
        sentence += f", 1 at n Var W = {1 / slope_square:.3g}"
    if zeros or off:
        sentence += f". Exactly 0: {plots.percent(zeros)} % of φ, {plots.percent(off)} % of φ′"
    return Finding(sentence + ".", {"E[φ] and E[φ′²]": f"{first} and {slope_square:.3g}"})
