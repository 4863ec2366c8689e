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

__all__ = [
    "EPOCHS",
    "PAIR",
    "activation_explorer",
    "chaos_explorer",
    "gradient_explorer",
    "in_words",
    "initializer_explorer",
    "live_demo",
    "product_explorer",
    "weight_explorer",
]
