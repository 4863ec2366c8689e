"""Every activation, initializer and normalisation of the course, by name, and `Network`.

All other modules read these mappings, so an entry added here works everywhere::

    ACTIVATIONS["sine"] = Activation(np.sin, keras.ops.sin)
    INITIALIZERS["half_he"] = Initializer(lambda fan_in, fan_out: 1 / fan_in)

Nothing here loads TensorFlow: an entry only says how Keras makes it.
"""

from helpers.catalogue.activations import (
    ACTIVATIONS,
    LEAKY_SLOPE,
    PRELU_SLOPE,
    RRELU_DIVISORS,
    RRELU_SLOPE,
    SATURATED,
    SELU_ALPHA,
    SELU_LAMBDA,
    Activation,
)
from helpers.catalogue.initializers import INITIALIZERS, Initializer
from helpers.catalogue.network import Network
from helpers.catalogue.normalizations import NORMALIZATIONS, Normalization

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LEAKY_SLOPE",
    "NORMALIZATIONS",
    "PRELU_SLOPE",
    "RRELU_DIVISORS",
    "RRELU_SLOPE",
    "SATURATED",
    "SELU_ALPHA",
    "SELU_LAMBDA",
    "Activation",
    "Initializer",
    "Network",
    "Normalization",
]
