"""The explorer of a chain of single neurons: the product of derivatives (notebook 01)."""

import math
from typing import NamedTuple

import numpy as np

from helpers import plots, theory
from helpers.catalogue import ACTIVATIONS
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import choice, new_draw, number, steps, whole
from helpers.explorers.words import signed

LEFT_OUT = 0  # a weight scale that stands for no weights at all
WEIGHT_SCALES = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 25, 40)
LARGEST_EXPONENT = 300  # beyond it a product overflows, but the verdict is the same


class Chain(NamedTuple):
    """The factors of one chain, and the expected log10 of a factor."""

    activation: str
    factors: np.ndarray
    predicted: float

    @property
    def color(self):
        """The colour of the activation."""
        return plots.COLORS.get(self.activation, plots.OTHER_COLOR)


def product_explorer(**first) -> Explorer:
    """Explore the product of derivatives along a chain of single neurons (notebook 01).

    Above, the factors w * phi'(z) one by one; below, their product so far, with the slope that
    theory predicts. z ~ N(0, spread^2); w ~ N(0, scale^2), or left out, as source B did.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.

    Raises
    ------
    ValueError
        For a name or a value that no control has.
    """
    scales = [("left out", LEFT_OUT), *((f"{scale:g}", scale) for scale in WEIGHT_SCALES)]
    controls = {
        "activation": choice(ACTIVATIONS, "sigmoid", description="activation"),
        "depth": whole(50, 1, 100, description="depth"),
        "weight_std": steps(scales, LEFT_OUT, description="weight scale"),
        "spread": number(1.0, 0.1, 10, step=0.1, decimals=1, description="spread of z"),
        "seed": new_draw(),
    }
    panels = [
        Panel("size of each factor (log scale)", _draw_factors),
        Panel("product so far (log scale)", _draw_product, ("A", "predicted", "nothing lost")),
    ]
    return Explorer(controls, _compute, panels, _find, grid=(2, 1), first=first)


def _compute(activation, depth, weight_std, spread, seed):
    scales = {
        "weight_std": None if weight_std == LEFT_OUT else weight_std,
        "pre_activation_std": spread,
    }
    factors = theory.derivative_product(activation, depth, **scales, seed=seed)[0]
    return Chain(activation, factors, theory.expected_log10_factor(activation, **scales))


def _draw_factors(ax, now, pinned):
    plots.factors(now.factors, color=now.color, ax=ax)


def _draw_product(ax, now, pinned):
    before = None if pinned is None else pinned.factors
    plots.running_product(
        now.factors, color=now.color, predicted=now.predicted, pinned=before, ax=ax
    )


def _find(now):
    count = len(now.factors)
    if not now.factors.all():
        first = int(np.argmax(now.factors == 0)) + 1
        return Finding(
            f"Dead: factor {first} of {count} is exactly 0, and so is the product; nothing passes "
            "along this path.",
            {"the product": "exactly 0"},
        )
    log10 = float(np.log10(np.abs(now.factors)).sum())
    within = min(max(log10, -LARGEST_EXPONENT), LARGEST_EXPONENT)
    word = theory.verdict(10**within).capitalize()
    product = plots.scientific(log10)
    multiply = "one factor gives" if count == 1 else f"{count} factors multiply to"
    forecast = signed(now.predicted) if math.isfinite(now.predicted) else "a dead path"
    return Finding(
        f"{word}: {multiply} {product}. Powers of ten per factor: {signed(log10 / count)} "
        f"measured, {forecast} predicted.",
        {"the product": product},
    )
