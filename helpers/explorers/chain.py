"""The explorer of three neurons in a row: every number of the chain rule (notebook 01)."""

from typing import NamedTuple

import numpy as np

from helpers import plots, theory
from helpers.catalogue import ACTIVATIONS
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import choice, number
from helpers.explorers.networks import color_of
from helpers.explorers.words import size_in_words

NEURONS = "BCD"  # after A, the input
TARGET = 1.0  # the loss is half the squared distance of the last activation from it
WEIGHTS = {"B": 1.5, "C": -2.0, "D": 0.8}  # as in lesson 01
LARGEST_WEIGHT = 8.0
START = "the loss"
SIZE = (7.4, 3.5)


class Flow(NamedTuple):
    """A chain with all its numbers, and which factor is to be explained."""

    activation: str
    nodes: list
    factors: list
    chosen: int


def factor_names() -> list[str]:
    """Name the factors in the order of the chain, from the input to the loss."""
    names = [name for neuron in NEURONS for name in (f"w_{neuron}", f"φ′(z_{neuron})")]
    return [*names, START]


class ChainExplorer(Explorer):
    """An `Explorer` whose picture can be clicked: the nearest factor is chosen."""

    def clicked(self, across: float, down: float) -> None:
        """Choose the factor nearest to a click, in shares of the picture's width and height."""
        ax = self.axes[0]
        width, height = self.figure.bbox.size
        # a picture counts from above, matplotlib from below
        place, _ = ax.transData.inverted().transform((across * width, (1 - down) * height))
        nearest = int(np.clip(np.floor(place), 0, len(factor_names()) - 1))
        self.set(factor=factor_names()[nearest])


def chain_explorer(**first) -> ChainExplorer:
    """Explore a chain of three neurons, A -> B -> C -> D -> loss (notebook 01).

    Above, its values from the input to the loss; below, the gradient on its way back, with the
    factor of every step between. The sentence says what the chosen factor is made of; a click on
    the picture chooses, too.

    Parameters
    ----------
    **first
        Values to begin with, by the name of the control.

    Raises
    ------
    ValueError
        For a name or a value that no control has.
    """
    weights = {
        f"w_{neuron}": number(
            weight,
            -LARGEST_WEIGHT,
            LARGEST_WEIGHT,
            step=0.1,
            decimals=1,
            description=f"weight w_{neuron}",
        )
        for neuron, weight in WEIGHTS.items()
    }
    controls = {
        "factor": choice(factor_names()[::-1], "φ′(z_C)", description="explain"),
        **weights,
        "x": number(0.6, -4, 4, step=0.1, decimals=1, description="input a_A"),
        "activation": choice(ACTIVATIONS, "sigmoid", description="activation φ"),
    }
    panels = [Panel("forward: the values; back: what is left of the gradient", _draw_chain)]
    return ChainExplorer(controls, _compute, panels, _find, size=SIZE, first=first)


def _compute(factor, x, activation, **weights):
    entry = ACTIVATIONS[activation]
    names = ["a_A"]
    values = [float(x)]
    sizes = []
    for neuron in NEURONS:
        weight = weights[f"w_{neuron}"]
        z = weight * values[-1]
        names += [f"z_{neuron}", f"a_{neuron}"]
        values += [z, float(entry.function(np.array(z)))]
        # from a to z by the weight, from z to a by the slope
        sizes += [weight, float(entry.derivative(np.array(z)))]
    names.append("L")
    sizes.append(values[-1] - TARGET)  # dL/da of the last activation
    values.append((values[-1] - TARGET) ** 2 / 2)
    # what arrives at a node is the product of all factors behind it; at the loss itself it is 1
    arrives = [*np.cumprod(sizes[::-1])[::-1], 1.0]
    nodes = [plots.Node(*node) for node in zip(names, values, arrives, strict=True)]
    labels = ["w", "φ′"] * len(NEURONS) + ["a - 1"]
    factors = [plots.Factor(*factor) for factor in zip(labels, sizes, strict=True)]
    return Flow(activation, nodes, factors, factor_names().index(factor))


def _draw_chain(ax, now, pinned):
    plots.chain(now.nodes, now.factors, chosen=now.chosen, color=color_of(now.activation), ax=ax)


def _find(now):
    """Say what the chosen factor is made of, and what is left at the input."""
    name = factor_names()[now.chosen]
    value = now.factors[now.chosen].value
    before, after = now.nodes[now.chosen : now.chosen + 2]
    if name == START:
        made = f"dL/da_D = a_D - 1 = {value:.3g}: the loss is L = (a_D - 1)² / 2"
    elif name.startswith("w"):
        made = f"{name} = {value:g}: {after.name} = {name} · {before.name}, so {name} is the factor"
    else:
        made = f"{name} = {value:.3g}: the slope of {now.activation} at {before.name} = "
        made += f"{before.value:.3g}"
    multiplied = f"{after.arrives:.2g} arrives at {after.name}, times {value:.2g} makes "
    multiplied += f"{before.arrives:.2g} at {before.name}"
    last = now.factors[-1].value
    share = abs(now.nodes[0].arrives / last) if last else 0.0
    return Finding(
        f"{made}. {multiplied}. Of dL/da_D, {size_in_words(share)} is left at a_A: "
        f"{theory.verdict(share)}.",
        {"left at a_A": size_in_words(share)},
    )
