"""One batch through a network, and what it does to the signals, layer by layer.

`signals` measures one Keras model of any kind, an entry a kernel (the code is in ``diagnosis``, and
loads TensorFlow when somebody asks for it); `profile` measures many as initialised, in NumPy alone
(``theory.expected_profile`` predicts it, as ``theory.expected_pair_profile`` does `pair_profile`).
Both return an ``xarray.Dataset`` with dimension ``layer`` (hidden_1 ... hidden_L, output):

=================  ===============================================================================
delta_norm         RMS over the examples of the 2-norm of dL_i/dz, L_i the loss of example i
gradient_norm      Frobenius norm of the kernel gradient of the mean loss
gradient_mean/std  over the entries of that gradient
activation_*       mean and standard deviation of a over units and examples
saturation         share of (unit, example) pairs with |phi'(z)| < SATURATED * phi's largest slope
dead               share of units with phi'(z) = 0 for every example
=================  ===============================================================================

z is what the activation is applied to, so after a batch normalisation if there is one. That
normalisation uses the statistics of the batch, as in training; it ties the examples together, and
then dL_i/dz means the derivative of the sum of all losses. Loss: cross-entropy, from the logits.
"""

import importlib

from helpers.measure.blas import one_blas_thread
from helpers.measure.jacobian import singular_values
from helpers.measure.pairs import pair_profile
from helpers.measure.profiles import profile
from helpers.measure.statistics import (
    OUTPUT_SLOPE,
    SATURATED,
    STATISTICS,
    first_over_last,
    over_last,
)

__all__ = [
    "OUTPUT_SLOPE",
    "SATURATED",
    "STATISTICS",
    "first_over_last",
    "one_blas_thread",
    "over_last",
    "pair_profile",
    "profile",
    "signals",
    "singular_values",
]


def __getattr__(name):
    # by name, as this room has to load without TensorFlow, which `diagnosis` needs
    if name != "signals":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("helpers.diagnosis.signals").signals
