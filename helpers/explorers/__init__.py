"""The explorers of the course, each one line in a notebook.

Each is a dictionary of controls, a function that computes, a list of panels that draw what came
out, and a function that says it in a sentence.

====================================  ============================================================
``base``, ``training``                `Explorer`, and one that also trains in a ``worker``
``controls``, ``settings``            what a learner moves; a setting as text and back
``canvas``, ``appearance``, ``png``   panels, drawn once, painted over, sent as a PNG
``layout``, ``frames``, ``words``     on the page, within the axes, in the sentence
``page``, ``release``                 keys, names, voice in the browser; a cell that is run again
``networks``                          what explorers of networks share
``product``, ``weights``, ...         one explorer each
``game``                              goals for the gradient explorer
====================================  ============================================================
"""

from helpers.explorers.activations import activation_explorer
from helpers.explorers.chain import chain_explorer
from helpers.explorers.chaos import chaos_explorer
from helpers.explorers.depth import depth_explorer
from helpers.explorers.game import GOALS, goal_game
from helpers.explorers.gradient import gradient_explorer, live_demo
from helpers.explorers.initializers import PAIR, initializer_explorer
from helpers.explorers.networks import EPOCHS
from helpers.explorers.product import product_explorer
from helpers.explorers.time import CELL_COLORS, CELL_NAMES, time_explorer
from helpers.explorers.transformer import PLACEMENT_COLORS, transformer_explorer
from helpers.explorers.weights import weight_explorer

__all__ = [
    "CELL_COLORS",
    "CELL_NAMES",
    "EPOCHS",
    "GOALS",
    "PAIR",
    "PLACEMENT_COLORS",
    "activation_explorer",
    "chain_explorer",
    "chaos_explorer",
    "depth_explorer",
    "goal_game",
    "gradient_explorer",
    "initializer_explorer",
    "live_demo",
    "product_explorer",
    "time_explorer",
    "transformer_explorer",
    "weight_explorer",
]
