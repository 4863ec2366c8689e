"""A chain of single neurons: its numbers on the way forward, and the gradient on the way back."""

from typing import NamedTuple

import numpy as np

from helpers.plots.style import OTHER_COLOR, PINNED, SMALL_TEXT, axes_or_new, scientific

FORWARD = 1.0  # heights of the two rows, in units of the axes
BACK = 0.0
MARKED = "#FFE08A"  # behind the factor that was chosen
LARGE_TEXT = 14  # points: numbers that are read at half their size
BOX = {"boxstyle": "round,pad=0.2", "facecolor": "white"}
ARROW = {"arrowstyle": "-|>", "shrinkA": 25, "shrinkB": 25, "linewidth": 1.5}


class Node(NamedTuple):
    """A quantity of the chain: its name, its value, and dL/d(it), what arrives there going back."""

    name: str
    value: float
    arrives: float


class Factor(NamedTuple):
    """What the gradient is multiplied by between one node and the node before it."""

    name: str
    value: float


def chain(nodes, factors, *, chosen=None, color=OTHER_COLOR, ax=None):
    """Draw a chain of neurons: above its values from left to right, below the gradient going back.

    Parameters
    ----------
    nodes : list of Node
        From the input to the loss. They stand at 0, 1, 2, ... of the horizontal axis.
    factors : list of Factor
        One between each two neighbours, from the input side.
    chosen : int, optional
        Index of the factor that is marked.
    """
    ax = axes_or_new(ax)
    for place, node in enumerate(nodes):
        _draw_node(ax, place, node, color)
    for place, factor in enumerate(factors):
        _draw_step(ax, place, factor, marked=place == chosen, color=color)
    # the first node stands in the margin that other pictures need for the labels of their ticks
    ax.set_xlim(0.4, len(nodes) - 0.6)
    ax.set_ylim(BACK - 0.2, FORWARD + 0.5)
    ax.set_title("above: the values; below: what is left of the gradient")
    ax.set_axis_off()
    first = nodes[0]
    # an exact 0 has no logarithm, and needs none here
    with np.errstate(divide="ignore"):
        left = scientific(np.log10(abs(first.arrives)))
    product = " · ".join(f"{factor.value:.3g}" for factor in factors[::-1])
    ax.set_label(f"Going back from the loss: {product}; at {first.name}, {left} is left in size.")
    return ax


def _draw_node(ax, place, node, color):
    """Draw one quantity: its name over its value, and below what arrives there."""
    words = {"ha": "center", "va": "center", "fontsize": LARGE_TEXT}
    ax.text(place, FORWARD + 0.36, node.name, weight="bold", **words)
    ax.text(place, FORWARD, f"{node.value:.2g}", bbox=BOX | {"edgecolor": OTHER_COLOR}, **words)
    ax.text(place, BACK, f"{node.arrives:.2g}", bbox=BOX | {"edgecolor": color}, **words)
    words["fontsize"] = SMALL_TEXT  # these names are longer than the place between two nodes
    ax.text(place, BACK - 0.33, f"dL/d{node.name}", color=color, **words)


def _draw_step(ax, place, factor, *, marked, color):
    """Draw the arrows between two neighbours, and the factor over the one that leads back."""
    forward = ARROW | {"color": OTHER_COLOR}
    back = ARROW | {"color": color}
    # not clipped, as the first node stands outside the axes
    ax.annotate(
        "", (place + 1, FORWARD), (place, FORWARD), arrowprops=forward, annotation_clip=False
    )
    ax.annotate("", (place, BACK), (place + 1, BACK), arrowprops=back, annotation_clip=False)
    background = MARKED if marked else "white"
    ax.text(
        place + 0.5,
        (FORWARD + BACK) / 2,
        f"{factor.name}\n{factor.value:.2g}",
        ha="center",
        va="center",
        fontsize=LARGE_TEXT,
        bbox=BOX | {"facecolor": background, "edgecolor": PINNED["color"]},
    )
