"""The activation functions of the course, for NumPy, for Keras and for the training engine."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, ndtr

from helpers.checks import Named, a_text, finite_number, one_of, shown

# Where an entry is looked at when it is made: beside the kinks that activations have at whole
# numbers, and far enough out to tell one curve from another.
PROBES = np.array([[-3.307, -1.513], [-0.411, 0.377], [1.291, 2.713]])
PROBES.flags.writeable = False  # a function that writes into its argument would harm all others
PROBE_STEP = 1e-3  # of the central difference there: a function in float32 passes, too
PROBE_TOLERANCE = 1e-3  # what float32 leaves of such a difference, and less than any mistake
SATURATED = 0.02  # of its largest slope: where |phi'| is below that, a unit is called saturated
SLOPE_KINDS = ("fixed", "learned", "random")
# Where the largest |phi'| is looked for: thousandths, so that 0 and whole numbers, at which many a
# slope is largest, are among them, and out to where every activation here has settled.
SLOPE_GRID = np.linspace(-8, 8, 16001)
# The relative step of a central difference in float64: its error is least near the cube root of
# the rounding error 1e-16, which leaves some 10 correct digits.
DIFFERENCE_STEP = 1e-5


@dataclass(frozen=True)
class Activation:
    """One activation function phi, for NumPy, for Keras and for the training engine.

    Parameters
    ----------
    function : callable
        phi, elementwise on NumPy arrays of any shape.
    keras : str or callable
        Keras's name for it, or a function of a Keras tensor; where `slope_kind` is not "fixed",
        a function that returns a new layer. ``networks.activation_layer`` compares the two.
    derivative : callable, optional
        phi', elementwise. Left out, it is a central difference (about 10 correct digits).
    formula, source : str
        LaTeX, and author and year.
    slope : float, optional
        The slope below zero of the leaky family, as initialised.
    slope_kind : {"fixed", "learned", "random"}
        Who sets that slope: nobody, training, or a fresh draw for each unit, example and step.
    loop : str, optional
        The loop of ``training.activation_loops`` that computes phi and phi' fast, where there is
        one. Without it (and without a `slope`) `function` is compiled as it is.

    Raises
    ------
    ValueError
        For a function that does not work elementwise on an array, a derivative that is not its
        slope, or a `slope` below zero that it does not have.
    """

    function: Callable[[np.ndarray], np.ndarray]
    keras: str | Callable
    derivative: Callable[[np.ndarray], np.ndarray] | None = None
    formula: str = ""
    source: str = ""
    slope: float | None = None
    slope_kind: str = "fixed"
    loop: str | None = None

    def __post_init__(self):
        _check_elementwise("function", self.function)
        if not isinstance(self.keras, str) and not callable(self.keras):
            raise ValueError(
                f"keras must be a name or a function of a Keras tensor; got {shown(self.keras)}."
            )
        one_of("slope_kind", self.slope_kind, SLOPE_KINDS)
        for name in ("formula", "source"):
            a_text(name, getattr(self, name))
        if self.loop is not None:
            a_text("loop", self.loop)
        if self.slope is not None:
            finite_number("slope", self.slope)
            _check_leaky(self.function, self.slope)
        if self.derivative is None:
            # the class is frozen: this is how a default gets in
            object.__setattr__(self, "derivative", _central_difference(self.function))
            return
        _check_elementwise("derivative", self.derivative)
        _check_derivative(self.function, self.derivative)

    @property
    def fingerprint(self) -> bytes:
        """What phi and phi' give at the probes: it moves with a global that the functions read."""
        values = self.function(PROBES), self.derivative(PROBES)
        return np.array(values, np.float64).tobytes()

    @cached_property
    def largest_slope(self) -> float:
        """The largest |phi'(z)| on SLOPE_GRID: saturation is measured against it."""
        return float(np.abs(self.derivative(SLOPE_GRID)).max())


def _check_elementwise(name, function):
    """Raise a ``ValueError`` unless `function` maps an array to finite values of its shape."""
    if not callable(function):
        raise ValueError(f"The {name} of an activation must be a function; got {shown(function)}.")
    try:
        # two dimensions, so that what works on a vector alone is noticed
        values = np.asarray(function(PROBES), np.float64)
    except Exception as error:  # whatever the learner's function raises, it is told in a sentence
        raise ValueError(
            f"The {name} of an activation must work on a NumPy array, element by element "
            f"(np.maximum(z, 0) does, max(z, 0) and math.sin(z) do not); given an array of shape "
            f"{PROBES.shape} it raised {type(error).__name__}: {error}"
        ) from error
    if values.shape != PROBES.shape or not np.isfinite(values).all():
        raise ValueError(
            f"The {name} of an activation must map an array to finite values of the same shape; "
            f"at {PROBES.ravel().tolist()} it gave {values.ravel().tolist()}."
        )
    alone = np.asarray(function(PROBES[:1]), np.float64)
    if alone.shape != PROBES[:1].shape or not np.allclose(alone, values[:1], rtol=PROBE_TOLERANCE):
        raise ValueError(
            f"The {name} of an activation must look at each element alone; at "
            f"{PROBES[0].tolist()} it gave {values[0].tolist()} beside other numbers, and "
            f"{alone.ravel().tolist()} without them."
        )


def _check_leaky(function, slope):
    """Raise a ``ValueError`` unless `function` is z above zero and `slope` z below."""
    values = function(PROBES)
    if not np.allclose(values, np.where(PROBES > 0, PROBES, slope * PROBES)):
        raise ValueError(
            f"slope={slope!r} stands for the function max(0, z) + {slope!r} min(0, z); at "
            f"{PROBES.ravel().tolist()} this function gave {np.ravel(values).tolist()}."
        )


def _check_derivative(function, derivative):
    """Raise a ``ValueError`` unless `derivative` is the slope of `function`."""
    difference = function(PROBES + PROBE_STEP) - function(PROBES - PROBE_STEP)
    slopes = np.asarray(difference, np.float64) / (2 * PROBE_STEP)
    given = np.asarray(derivative(PROBES), np.float64)
    # relative for large slopes, absolute for small ones, of which rounding leaves few digits
    errors = np.abs(given - slopes) / (1 + np.abs(slopes))
    if errors.max() > PROBE_TOLERANCE:
        worst = errors.argmax()
        raise ValueError(
            f"The derivative of an activation must be its slope; at z = {PROBES.flat[worst]:g} it "
            f"gives {given.flat[worst]:.4g}, and the function's slope there is "
            f"{slopes.flat[worst]:.4g}."
        )


def _central_difference(function):
    def derivative(z):
        z = np.asarray(z, np.float64)
        # relative to a large z, whose neighbouring floats are further apart
        step = DIFFERENCE_STEP * np.maximum(1, np.abs(z))
        return (function(z + step) - function(z - step)) / (2 * step)

    # the training engine asks for it, and takes the difference in its own compiled code
    derivative.is_central_difference = True
    return derivative


def is_central_difference(derivative: Callable) -> bool:
    """Whether an entry was made without a derivative of its own."""
    return getattr(derivative, "is_central_difference", False)


def _sigmoid_slope(z):
    """As expit(z) * expit(-z), exact in both tails too, at the price of one exponential."""
    e = np.exp(-np.abs(z))
    return e / (1 + e) ** 2


def _softplus(z):
    # ln(1 + e^z) with the larger exponential taken out, so that none overflows
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _tanh_softplus(z):
    """Write tanh(ln(1 + e^z)) as a fraction of exponentials that never overflow."""
    # (t^2 - 1) / (t^2 + 1) for t = 1 + e^z; above 0 both parts are multiplied by e^-2z
    e = np.exp(-np.abs(z))
    numerator = np.where(z > 0, 1 + 2 * e, e * (e + 2))
    return numerator / (numerator + 2 * np.where(z > 0, e**2, 1))


def _mish_slope(z):
    # the product rule on z tanh(s), s = softplus(z): s' is the sigmoid
    t = _tanh_softplus(z)
    return t + z * expit(z) * (1 - t**2)


def _leaky(slope):
    """Make phi and phi' of a leaky rectifier, for every member of the family."""
    return (
        lambda z: np.where(z > 0, z, slope * z),
        # without the cast a float32 z would get a float64 slope, and whole numbers an int
        lambda z: np.where(z > 0, 1.0, slope).astype(np.result_type(z, np.float32)),
    )


def _keras_leaky_relu(z):
    import keras

    # keras.ops.leaky_relu rounds the slope to float32, whatever z is
    return keras.ops.where(z > 0, z, LEAKY_SLOPE * z)


def _keras_prelu():
    import keras

    return keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(PRELU_SLOPE))


def _keras_rrelu():
    import keras

    # defined here, as its base class is known only once Keras is loaded
    class RandomizedLeakyReLU(keras.layers.Layer):
        """In training z/a with a ~ U(3, 8) for each unit and example, otherwise z/5.5."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed_generator = keras.random.SeedGenerator()

        def call(self, z, training=False):
            slope = RRELU_SLOPE
            if training:
                divisors = keras.random.uniform(
                    keras.ops.shape(z), *RRELU_DIVISORS, seed=self.seed_generator
                )
                slope = 1 / divisors
            return keras.ops.where(z > 0, z, slope * z)

    return RandomizedLeakyReLU()


LEAKY_SLOPE = 0.01
PRELU_SLOPE = 0.25  # as initialised (He et al. 2015)
RRELU_DIVISORS = (3.0, 8.0)
RRELU_SLOPE = 2 / sum(RRELU_DIVISORS)  # what Xu et al. use at test time: z / 5.5
# alpha and lambda for which mean 0 and variance 1 are a fixed point (Klambauer et al. 2017)
SELU_ALPHA = 1.6732632423543772
SELU_LAMBDA = 1.0507009873554805

ACTIVATIONS = Named(
    "activation",
    {
        "linear": Activation(
            lambda z: z,
            keras="linear",
            derivative=np.ones_like,
            formula=r"z",
            source="the reference",
            slope=1.0,
        ),
        "sigmoid": Activation(
            expit,
            keras="sigmoid",
            derivative=_sigmoid_slope,
            formula=r"\frac{1}{1+e^{-z}}",
            source="the classic; LeCun et al. 1998 advise against it",
            loop="sigmoid",
        ),
        "tanh": Activation(
            np.tanh,
            keras="tanh",
            # by way of the sigmoid: 1 - tanh^2 is rounding alone from z = 10 on
            derivative=lambda z: 4 * _sigmoid_slope(2 * z),
            formula=r"\tanh z = 2\sigma(2z)-1",
            source="LeCun et al. 1998",
            loop="tanh",
        ),
        "softsign": Activation(
            lambda z: z / (1 + np.abs(z)),
            keras="softsign",
            derivative=lambda z: 1 / (1 + np.abs(z)) ** 2,
            formula=r"\frac{z}{1+|z|}",
            source="Glorot & Bengio 2010",
            loop="softsign",
        ),
        "relu": Activation(
            lambda z: np.maximum(z, 0),
            keras="relu",
            # 0 at z = 0, as Keras has it
            derivative=_leaky(0.0)[1],
            formula=r"\max(0, z)",
            source="Nair & Hinton 2010; Glorot, Bordes & Bengio 2011",
            slope=0.0,
        ),
        "leaky_relu": Activation(
            _leaky(LEAKY_SLOPE)[0],
            keras=_keras_leaky_relu,
            derivative=_leaky(LEAKY_SLOPE)[1],
            formula=r"\max(0.01z, z)",
            source="slope 0.01: Xu et al. 2015, a = 100",
            slope=LEAKY_SLOPE,
        ),
        "prelu": Activation(
            _leaky(PRELU_SLOPE)[0],
            keras=_keras_prelu,
            derivative=_leaky(PRELU_SLOPE)[1],
            formula=r"\max(0, z) + \alpha\min(0, z),\ \alpha\ \mathrm{learned\ from}\ 0.25",
            source="He et al. 2015, section 2.1",
            slope=PRELU_SLOPE,
            slope_kind="learned",
        ),
        "rrelu": Activation(
            _leaky(RRELU_SLOPE)[0],
            keras=_keras_rrelu,
            derivative=_leaky(RRELU_SLOPE)[1],
            formula=r"\max(0, z) + \min(0, z)/a,"
            r"\ a\sim U(3, 8)\ \mathrm{or}\ 5.5\ \mathrm{at\ rest}",
            source="Xu et al. 2015",
            slope=RRELU_SLOPE,
            slope_kind="random",
        ),
        "elu": Activation(
            # `where` computes both branches: the minimum keeps the unused one from overflowing
            lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
            keras="elu",
            derivative=lambda z: np.exp(np.minimum(z, 0)),
            formula=r"z\ \mathrm{if}\ z>0,\ \mathrm{else}\ e^z-1",
            source="Clevert et al. 2015",
            loop="elu",
        ),
        "selu": Activation(
            lambda z: SELU_LAMBDA * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
            keras="selu",
            derivative=lambda z: (
                SELU_LAMBDA * np.where(z > 0, 1, SELU_ALPHA * np.exp(np.minimum(z, 0)))
            ),
            formula=r"\lambda z\ \mathrm{if}\ z>0,\ \mathrm{else}\ \lambda\alpha(e^z-1)",
            source="Klambauer et al. 2017",
            loop="selu",
        ),
        "gelu": Activation(
            lambda z: z * ndtr(z),
            keras="gelu",
            # Phi(z) + z times the normal density
            derivative=lambda z: ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
            formula=r"z\,\Phi(z)",
            source="Hendrycks & Gimpel 2016",
            loop="gelu",
        ),
        "silu": Activation(
            lambda z: z * expit(z),
            keras="silu",
            # expit(-z), not 1 - expit(z), which is 0 from z = 37 on
            derivative=lambda z: expit(z) * (1 + z * expit(-z)),
            formula=r"z\,\sigma(z)",
            source="Elfwing et al. 2017; Ramachandran et al. 2017",
            loop="silu",
        ),
        "mish": Activation(
            lambda z: z * _tanh_softplus(z),
            keras="mish",
            derivative=_mish_slope,
            formula=r"z\tanh(\ln(1+e^z))",
            source="Misra 2019",
            loop="mish",
        ),
        "softplus": Activation(
            _softplus,
            keras="softplus",
            derivative=expit,
            formula=r"\ln(1+e^z)",
            source="Glorot, Bordes & Bengio 2011",
            loop="softplus",
        ),
    },
    kind=Activation,
)
