"""Compile the training engine, so that no lesson waits for it.

``python -m helpers.training.prepare`` does it, and the set-up of the course calls that once. The
compiled code is kept beside the package, or in the user's cache folder.
"""

from helpers import data
from helpers.training import activation_loops, train


def prepare() -> None:
    """Compile whatever is not on disk yet: the loops of all activations, then the engine."""
    for name in activation_loops.LOOPS:
        activation_loops.pointer(name, "float32")
    train("tanh", "glorot_uniform", dataset=data.circles(32), depth=1, width=2, epochs=1)


if __name__ == "__main__":
    prepare()
