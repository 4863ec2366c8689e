"""`Network`: what a network of the course is made of, in one value that is passed on."""

from dataclasses import dataclass

from helpers.catalogue.activations import ACTIVATIONS, Activation
from helpers.catalogue.initializers import INITIALIZERS, Initializer
from helpers.catalogue.normalizations import NORMALIZATIONS, Normalization
from helpers.checks import affordable, shown, true_or_false, whole_number


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron of the course: `depth` equal hidden layers, and an output layer.

    Parameters
    ----------
    activation, initializer : str
        Names in the catalogue.
    depth, width : int
        Number of hidden layers (the output layer isn't counted), and units in each.
    normalization : None or str
        A name in NORMALIZATIONS, of each hidden layer's pre-activation; or None.
    residual : bool
        Hidden layer 2 and later add their input to their activation, a + phi(z)
        (after He et al. 2016, with one layer to a block).

    Raises
    ------
    ValueError
        For an unknown name, a size below 1, or a `residual` that is neither True nor False.
    """

    activation: str
    initializer: str
    depth: int = 4
    width: int = 5
    normalization: str | None = None
    residual: bool = False

    def __post_init__(self):
        # names, not entries, are stored: they are what recordings and settings write down
        ACTIVATIONS.check(self.activation)
        INITIALIZERS.check(self.initializer)
        if self.normalization is not None:
            # the sentence of an unknown name has to list None, which is no entry
            NORMALIZATIONS.check(self.normalization, also="None")
        # the class is frozen: this is how a checked value gets in
        object.__setattr__(self, "depth", whole_number("depth", self.depth))
        object.__setattr__(self, "width", whole_number("width", self.width))
        object.__setattr__(self, "residual", true_or_false("residual", self.residual))

    @property
    def phi(self) -> Activation:
        """The entry of the activation."""
        return ACTIVATIONS[self.activation]

    @property
    def sampler(self) -> Initializer:
        """The entry of the initializer."""
        return INITIALIZERS[self.initializer]

    @property
    def normalizer(self) -> Normalization | None:
        """The entry of the normalisation, or None."""
        return None if self.normalization is None else NORMALIZATIONS[self.normalization]

    def sizes(self, num_inputs: int, num_outputs: int) -> list[int]:
        """List the units of every layer, the inputs first: depth + 2 numbers."""
        return [num_inputs, *[self.width] * self.depth, num_outputs]

    def check_memory(self, num_networks: int, num_examples: int = 1) -> None:
        """Raise a ``ValueError`` if so many networks, and what they make of a batch, are too much.

        A kernel, its gradient and two statistics of it are four arrays; of what every unit gives
        for every example there are as many.
        """
        numbers = 4 * self.depth * self.width * (self.width + num_examples) * num_networks
        affordable(f"{shown(num_networks)} networks of this size", numbers)

    @property
    def layers(self) -> list[str]:
        """The names of the layers with a kernel, as every recording has them."""
        return [*(f"hidden_{number}" for number in range(1, self.depth + 1)), "output"]
