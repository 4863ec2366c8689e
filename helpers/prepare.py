"""Compile the loops of the training engine and of the explorers' pictures: no lesson waits then.

``python -m helpers.prepare`` does it, and the set-up of the course calls that once. The compiled
code is kept beside the package, or in the user's cache folder.
"""

import numpy as np

from helpers import data
from helpers.explorers import png
from helpers.training import activation_loops, train


def prepare() -> None:
    """Compile whatever is not on disk yet: the loops of all activations, then the engine."""
    for name in activation_loops.LOOPS:
        activation_loops.pointer(name, "float32")
    train("tanh", "glorot_uniform", dataset=data.circles(32), depth=1, width=2, epochs=1)
    png.encode(np.zeros((1, 1, 4), np.uint8))


if __name__ == "__main__":
    prepare()
