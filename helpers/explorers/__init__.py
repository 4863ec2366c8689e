"""The explorers of the course, each one line in a notebook.

Each is a dictionary of controls, a function that computes, and one that draws what came out.
"""

from helpers.explorers.activations import activation_explorer
from helpers.explorers.chaos import chaos_explorer
from helpers.explorers.networks import (
    EPOCHS,
    PAIR,
    gradient_explorer,
    in_words,
    initializer_explorer,
    live_demo,
    product_explorer,
    weight_explorer,
)
from helpers.explorers.recurrent import CELL_COLORS, CELL_NAMES, time_explorer

__all__ = [
    "CELL_COLORS",
    "CELL_NAMES",
    "EPOCHS",
    "PAIR",
    "activation_explorer",
    "chaos_explorer",
    "gradient_explorer",
    "in_words",
    "initializer_explorer",
    "live_demo",
    "product_explorer",
    "time_explorer",
    "weight_explorer",
]
