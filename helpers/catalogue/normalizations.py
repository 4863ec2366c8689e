"""The normalisations: what is done to a layer's pre-activations u before the activation sees them.

Each divides by a root mean square, z = (u - mean) / sqrt(mean square + epsilon), and differs only
in what the means are taken over, and in whether the mean is subtracted. Then Keras multiplies by a
learned scale, which starts at 1, and adds a learned offset, which starts at 0.
"""

from dataclasses import dataclass

import numpy as np

from helpers.checks import Named, a_text, one_of, positive_number, true_or_false

AXES = {"examples": -2, "units": -1}  # of an array (..., examples, units)
# Keras's defaults: a batch whose units all agree is divided by their roots, not by 0.
KERAS_EPSILON = 1e-3
KERAS_RMS_EPSILON = 1e-6


@dataclass(frozen=True)
class Normalization:
    """One normalisation, for NumPy, for the training engine and for Keras.

    Parameters
    ----------
    over : {"examples", "units"}
        What the means run over: all examples of the batch, for each unit; or all units of the
        layer, for each example.
    centred : bool
        Whether the mean is subtracted. Only then is there a learned offset, too.
    epsilon : float
        Added to the mean square under the root.
    keras : str
        Keras's layer of that name does the same.
    formula, source : str
        LaTeX, and author and year.

    Raises
    ------
    ValueError
        For another word in `over`, or an epsilon that is not above 0.
    """

    over: str
    centred: bool
    epsilon: float
    keras: str
    formula: str = ""
    source: str = ""

    def __post_init__(self):
        one_of("over", self.over, AXES)
        true_or_false("centred", self.centred)
        for name in ("keras", "formula", "source"):
            a_text(name, getattr(self, name))
        positive_number("epsilon", self.epsilon)

    def layer(self, name: str | None = None):
        """Make a new Keras layer that normalises like this."""
        import keras  # only here: nothing in the catalogue loads TensorFlow before it is needed

        # by name, so that the entry can be written down without Keras
        if not hasattr(keras.layers, self.keras):
            raise ValueError(f"Keras has no layer {self.keras!r} for this normalization.")
        return getattr(keras.layers, self.keras)(epsilon=self.epsilon, name=name)

    def forward(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Normalise pre-activations of shape (..., examples, units).

        Returns z of that shape, and the divisor, with length 1 along the axis that the means run
        over.
        """
        axis = AXES[self.over]
        if self.centred:
            u = u - u.mean(axis=axis, keepdims=True)
        # of a centred u the mean square is the variance, over N, not N - 1, as Keras has it
        divisor = np.sqrt((u**2).mean(axis=axis, keepdims=True) + self.epsilon)
        return u / divisor, divisor

    def backward(self, delta: np.ndarray, z: np.ndarray, divisor: np.ndarray) -> np.ndarray:
        """Turn dL/dz into dL/du, all of shape (..., examples, units).

        A change of one u moves the mean and the divisor, and so every z that shares them: two terms
        are taken off (Ioffe & Szegedy 2015, section 3, in closed form).
        """
        axis = AXES[self.over]
        # by way of the divisor: d(divisor)/du_i = z_i / N
        shared = z * (delta * z).mean(axis=axis, keepdims=True)
        # by way of the mean: d(mean)/du_i = 1 / N
        if self.centred:
            shared = shared + delta.mean(axis=axis, keepdims=True)
        return (delta - shared) / divisor


NORMALIZATIONS = Named(
    "normalization",
    {
        "batch": Normalization(
            "examples",
            centred=True,
            epsilon=KERAS_EPSILON,
            keras="BatchNormalization",
            formula=r"\frac{u-\mathrm{E}_{batch}u}{\sqrt{\mathrm{Var}_{batch}u+\epsilon}}",
            source="Ioffe & Szegedy 2015",
        ),
        "layer": Normalization(
            "units",
            centred=True,
            epsilon=KERAS_EPSILON,
            keras="LayerNormalization",
            formula=r"\frac{u-\mathrm{E}_{layer}u}{\sqrt{\mathrm{Var}_{layer}u+\epsilon}}",
            source="Ba, Kiros & Hinton 2016",
        ),
        "rms": Normalization(
            "units",
            centred=False,
            epsilon=KERAS_RMS_EPSILON,
            keras="RMSNormalization",
            formula=r"\frac{u}{\sqrt{\mathrm{E}_{layer}u^2+\epsilon}}",
            source="Zhang & Sennrich 2019",
        ),
    },
    kind=Normalization,
)
