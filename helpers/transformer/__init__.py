"""Transformers: stacks of blocks as initialised, and small ones in training, in NumPy alone.

====================  ==========================================================================
``stack``             what a block is: `Transformer`, its weights, forward, and the exact backward
``profiles``          many stacks as initialised, measured block by block
``training``          Adam on a small task, many stacks together
====================  ==========================================================================
"""

from helpers.transformer.profiles import VARIABLES, correlation, differences, profile, rms
from helpers.transformer.stack import (
    ATTENTIONS,
    KERNELS,
    PLACEMENTS,
    Run,
    Transformer,
    backward,
    draw,
    forward,
    weights,
)
from helpers.transformer.training import train_reversal

__all__ = [
    "ATTENTIONS",
    "KERNELS",
    "PLACEMENTS",
    "VARIABLES",
    "Run",
    "Transformer",
    "backward",
    "correlation",
    "differences",
    "draw",
    "forward",
    "profile",
    "rms",
    "train_reversal",
    "weights",
]
