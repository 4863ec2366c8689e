"""The colours of the pictures: contrast on white, and apart for those who see no red or no green.

Contrast is that of WCAG 2.2; 3:1 is asked of lines and marks (1.4.11), 4.5:1 of text (1.4.3).

What a reader without red or green cones sees is simulated as Machado, Oliveira and Fernandes (2009,
table 1, severity 1.0) do, with a matrix on linear RGB. Differences are the CIE's of 1976: distances
in L*a*b*.
"""

import itertools

import matplotlib.colors as mcolors
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import style

from helpers import STYLE, explorers, plots
from helpers.catalogue import ACTIVATIONS
from helpers.explorers.transformer import KERNEL_GROUPS

with style.context(["default", STYLE]):
    LOOK = dict(plt.rcParams)
WHITE = np.ones(3)
VISIONS = {
    "all cones": np.eye(3),
    "no red": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
XYZ = np.array(  # from linear sRGB; the rows' sums are the white of the screen
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
# A difference of 2.3 is just seen between two patches side by side (Mahy and others, 1994). A line
# is thin and its twin some way off: five times that where the colour stands beside a name (no
# picture of the course draws all activations in one axes), six times where a legend alone tells
# lines apart.
JUST_SEEN = 2.3
BESIDE_A_NAME = 5 * JUST_SEEN
IN_ONE_PICTURE = 6 * JUST_SEEN
CYCLE = dict(enumerate(LOOK["axes.prop_cycle"].by_key()["color"]))


def linear(color):
    """Undo the screen's gamma."""
    rgb = np.array(mcolors.to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other="white"):
    low, high = sorted(XYZ[1] @ linear(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(color, vision):
    xyz = XYZ @ np.clip(VISIONS[vision] @ linear(color), 0, 1) / (XYZ @ WHITE)
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def nearest(colors, vision):
    """Return the smallest difference, and between which two."""
    seen = {name: lab(color, vision) for name, color in colors.items()}
    pairs = itertools.combinations(seen, 2)
    return min((np.linalg.norm(seen[a] - seen[b]), str(a), str(b)) for a, b in pairs)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(
    ("colors", "least"),
    [
        (plots.COLORS, BESIDE_A_NAME),
        ({name: plots.COLORS[name] for name in ("sigmoid", "tanh", "relu")}, IN_ONE_PICTURE),
        (plots.RULE_COLORS, IN_ONE_PICTURE),
        (explorers.CELL_COLORS, IN_ONE_PICTURE),
        (explorers.PLACEMENT_COLORS, IN_ONE_PICTURE),
        (dict(KERNEL_GROUPS.values()), IN_ONE_PICTURE),
        (CYCLE, IN_ONE_PICTURE),
        (plots.layer_colors([*(f"hidden_{n}" for n in range(1, 5)), "output"]), IN_ONE_PICTURE),
    ],
    ids=[
        "activations",
        "the three of the sources",
        "rules",
        "cells",
        "norms",
        "kernels",
        "cycle",
        "layers",
    ],
)
def test_colours_are_apart_for_everybody(colors, least, vision):
    assert nearest(colors, vision)[0] >= least, nearest(colors, vision)


@pytest.mark.parametrize(("vision", "twin"), [("no red", "#485000"), ("no green", "#788000")])
def test_the_simulation_takes_a_red_and_an_olive_for_one_and_leaves_grey_alone(vision, twin):
    colors = {"red": "#D00000", "olive": twin}
    assert nearest(colors, vision)[0] < 5 < 50 < nearest(colors, "all cones")[0]
    np.testing.assert_allclose(VISIONS[vision] @ WHITE, WHITE, atol=1e-5)


def test_every_line_has_three_to_one_on_white():
    named = plots.COLORS | plots.RULE_COLORS | explorers.CELL_COLORS | CYCLE
    named |= dict(KERNEL_GROUPS.values())
    layers = plots.layer_colors([f"hidden_{number}" for number in range(1, 21)])
    others = {"other": plots.OTHER_COLOR, "A": plots.PINNED["color"]}
    for name, color in (named | others | layers).items():
        assert contrast(color) >= 3, name
    assert "alpha" not in plots.PINNED  # which would make it paler
    assert len(ACTIVATIONS) == len(plots.COLORS)


def test_words_have_four_and_a_half_to_one():
    paper = LOOK["figure.facecolor"]
    for part in ("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"):
        color = LOOK["text.color"] if LOOK[part] == "auto" else LOOK[part]
        assert contrast(color, paper) >= 4.5, part
