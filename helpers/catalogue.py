"""Every activation and every initializer of the course, by name, and the one sampler of weights.

All other modules read these two mappings, so an entry added here works everywhere::

    ACTIVATIONS["sine"] = Activation(np.sin, keras.ops.sin)
    INITIALIZERS["half_he"] = Initializer(lambda fan_in, fan_out: 1 / fan_in)

Nothing here loads TensorFlow: an entry only says how Keras makes it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, ndtr, ndtri

from helpers.checks import Named, whole_number


@dataclass(frozen=True)
class Activation:
    """One activation function phi, for NumPy and for Keras.

    Parameters
    ----------
    function : callable
        phi, elementwise on NumPy arrays of any shape.
    keras : str or callable
        Keras's name for it, or a function of a Keras tensor; where `slope_kind` is not "fixed",
        a function that returns a new layer.
    derivative : callable, optional
        phi', elementwise. Left out, it is a central difference (about 10 correct digits).
    formula, source : str
        LaTeX, and author and year.
    slope : float, optional
        The slope below zero of the leaky family, as initialised.
    slope_kind : {"fixed", "learned", "random"}
        Who sets that slope: nobody, training, or a fresh draw for each unit, example and step.
    """

    function: Callable[[np.ndarray], np.ndarray]
    keras: str | Callable
    derivative: Callable[[np.ndarray], np.ndarray] | None = None
    formula: str = ""
    source: str = ""
    slope: float | None = None
    slope_kind: str = "fixed"

    def __post_init__(self):
        if self.derivative is None:
            object.__setattr__(self, "derivative", _central_difference(self.function))
        probe = np.array([[-1.5, -0.5], [0.5, 1.5]])
        for part in ("function", "derivative"):
            value = np.asarray(getattr(self, part)(probe))
            if value.shape != probe.shape or not np.isfinite(value).all():
                raise ValueError(
                    f"the {part} of an activation must map an array to finite values of the same "
                    f"shape; at {probe.ravel().tolist()} it gave {value.ravel().tolist()}."
                )

    @cached_property
    def largest_slope(self) -> float:
        """The largest |phi'(z)| for z in [-8, 8]: saturation is measured against it."""
        return float(np.abs(self.derivative(np.linspace(-8, 8, 16001))).max())


def _central_difference(function):
    def derivative(z):
        step = 1e-5 * np.maximum(1, np.abs(z := np.asarray(z, np.float64)))
        return (function(z + step) - function(z - step)) / (2 * step)

    return derivative


def _sigmoid_slope(z):
    """As expit(z) * expit(-z), exact in both tails too, at the price of one exponential."""
    e = np.exp(-np.abs(z))
    return e / (1 + e) ** 2


def _softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _tanh_softplus(z):
    """Write tanh(ln(1 + e^z)) as a fraction of exponentials that never overflow."""
    e = np.exp(-np.abs(z))
    n = np.where(z > 0, 1 + 2 * e, e * (e + 2))
    return n / (n + 2 * np.where(z > 0, e**2, 1))


def _mish_slope(z):
    t = _tanh_softplus(z)
    return t + z * expit(z) * (1 - t**2)


def _leaky(slope):
    """Make phi and phi' of a leaky rectifier, for every member of the family."""
    return (
        lambda z: np.where(z > 0, z, slope * z),
        lambda z: np.where(z > 0, 1.0, slope).astype(np.result_type(z, np.float32)),
    )


def _keras_leaky_relu(z):
    import keras

    return keras.ops.where(z > 0, z, LEAKY_SLOPE * z)  # keras.ops.leaky_relu rounds it to float32


def _keras_prelu():
    import keras

    return keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(PRELU_SLOPE))


def _keras_rrelu():
    import keras

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
PRELU_SLOPE = 0.25
RRELU_DIVISORS = (3.0, 8.0)
RRELU_SLOPE = 2 / sum(RRELU_DIVISORS)  # what Xu et al. use at test time: z / 5.5
SELU_ALPHA = 1.6732632423543772
SELU_LAMBDA = 1.0507009873554805

ACTIVATIONS = Named(
    "activation",
    {
        "linear": Activation(
            lambda z: z, "linear", np.ones_like,
            r"z", "the reference", slope=1.0,
        ),
        "sigmoid": Activation(
            expit, "sigmoid", _sigmoid_slope,
            r"\frac{1}{1+e^{-z}}", "the classic; LeCun et al. 1998 advise against it",
        ),
        "tanh": Activation(
            np.tanh, "tanh", lambda z: 4 * _sigmoid_slope(2 * z),
            r"\tanh z = 2\sigma(2z)-1", "LeCun et al. 1998",
        ),
        "softsign": Activation(
            lambda z: z / (1 + np.abs(z)), "softsign", lambda z: 1 / (1 + np.abs(z)) ** 2,
            r"\frac{z}{1+|z|}", "Glorot & Bengio 2010",
        ),
        "relu": Activation(
            lambda z: np.maximum(z, 0), "relu", _leaky(0.0)[1],
            r"\max(0, z)", "Nair & Hinton 2010; Glorot, Bordes & Bengio 2011", slope=0.0,
        ),
        "leaky_relu": Activation(
            _leaky(LEAKY_SLOPE)[0], _keras_leaky_relu, _leaky(LEAKY_SLOPE)[1],
            r"\max(0.01z, z)", "slope 0.01: Xu et al. 2015, a = 100", slope=LEAKY_SLOPE,
        ),
        "prelu": Activation(
            _leaky(PRELU_SLOPE)[0], _keras_prelu, _leaky(PRELU_SLOPE)[1],
            r"\max(0, z) + \alpha\min(0, z),\ \alpha\ \mathrm{learned\ from}\ 0.25",
            "He et al. 2015, section 2.1", slope=PRELU_SLOPE, slope_kind="learned",
        ),
        "rrelu": Activation(
            _leaky(RRELU_SLOPE)[0], _keras_rrelu, _leaky(RRELU_SLOPE)[1],
            r"\max(0, z) + \min(0, z)/a,\ a\sim U(3, 8)\ \mathrm{or}\ 5.5\ \mathrm{at\ rest}",
            "Xu et al. 2015", slope=RRELU_SLOPE, slope_kind="random",
        ),
        "elu": Activation(
            lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), "elu",
            lambda z: np.exp(np.minimum(z, 0)),
            r"z\ \mathrm{if}\ z>0,\ \mathrm{else}\ e^z-1", "Clevert et al. 2015",
        ),
        "selu": Activation(
            lambda z: SELU_LAMBDA * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
            "selu",
            lambda z: SELU_LAMBDA * np.where(z > 0, 1, SELU_ALPHA * np.exp(np.minimum(z, 0))),
            r"\lambda z\ \mathrm{if}\ z>0,\ \mathrm{else}\ \lambda\alpha(e^z-1)",
            "Klambauer et al. 2017",
        ),
        "gelu": Activation(
            lambda z: z * ndtr(z), "gelu",
            lambda z: ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
            r"z\,\Phi(z)", "Hendrycks & Gimpel 2016",
        ),
        "silu": Activation(
            lambda z: z * expit(z), "silu", lambda z: expit(z) * (1 + z * expit(-z)),
            r"z\,\sigma(z)", "Elfwing et al. 2017; Ramachandran et al. 2017",
        ),
        "mish": Activation(
            lambda z: z * _tanh_softplus(z), "mish", _mish_slope,
            r"z\tanh(\ln(1+e^z))", "Misra 2019",
        ),
        "softplus": Activation(
            _softplus, "softplus", expit,
            r"\ln(1+e^z)", "Glorot, Bordes & Bengio 2011",
        ),
    },
)  # fmt: skip


@dataclass(frozen=True)
class Initializer:
    """One rule for the initial kernels, a variance and the shape of the distribution; and biases.

    Parameters
    ----------
    variance : callable
        ``variance(fan_in, fan_out)``, the variance of each weight.
    distribution : {"normal", "uniform", "truncated_normal", "orthogonal"}
        "truncated_normal" is Keras's: cut at two standard deviations and widened so that the
        variance is the one asked for. "orthogonal" has orthonormal rows or columns.
    keras : callable, optional
        ``keras(seed)`` makes Keras's own initializer of that name.
    formula, source : str
        LaTeX of the distribution, and author and year.
    bias_variance : float
        The variance of each bias, which is normal. 0, as every entry here has it: no bias.
    """

    variance: Callable[[int, int], float]
    distribution: str = "normal"
    keras: Callable | None = None
    formula: str = ""
    source: str = ""
    bias_variance: float = 0.0

    def __post_init__(self):
        if self.distribution not in _SHAPES:
            raise ValueError(
                f"Unknown distribution {self.distribution!r}. Allowed: {', '.join(_SHAPES)}."
            )
        value = self.variance(3, 4)
        if not 0 <= value < np.inf:
            raise ValueError(
                f"the variance of a weight must be a finite number, 0 or more; "
                f"for fan_in 3 and fan_out 4 it is {value!r}."
            )
        if not 0 <= self.bias_variance < np.inf:
            raise ValueError(
                f"bias_variance must be a finite number, 0 or more; got {self.bias_variance!r}."
            )

    def sample(self, fan_in: int, fan_out: int, *, seed=0, replicate=0, layer=1) -> np.ndarray:
        """Draw one kernel, float32, shape (fan_in, fan_out).

        Every initial weight of the course comes from here. The stream belongs to (`seed`,
        `replicate`, `layer`) and starts as standard normal numbers, which the initializer only
        reshapes: two initializers with one seed give the same draws on another scale, so a
        difference on screen is the setting, not luck. The output layer counts as layer 0: its
        draws stay the same when the depth changes.
        """
        fan_in, fan_out = whole_number("fan_in", fan_in), whole_number("fan_out", fan_out)
        stream = (whole_number("seed", seed, low=0), replicate, layer)
        scale = np.sqrt(self.variance(fan_in, fan_out))
        if self.distribution == "orthogonal":  # the rows or columns set the scale together
            scale *= np.sqrt(max(fan_in, fan_out))
        return (scale * _DRAWS.get(self.distribution, (fan_in, fan_out), stream)).astype(np.float32)

    def sample_bias(self, units: int, *, seed=0, replicate=0, layer=1) -> np.ndarray:
        """Draw a layer's biases, float32, shape (units,), from a stream beside its kernel's."""
        units = whole_number("units", units)
        if self.bias_variance == 0:
            return np.zeros(units, np.float32)
        stream = (whole_number("seed", seed, low=0), replicate, layer, 1)
        draws = _DRAWS.get("normal", (units,), stream)
        return (np.sqrt(self.bias_variance) * draws).astype(np.float32)


def _orthogonal(normal):
    tall = normal if normal.shape[0] >= normal.shape[1] else normal.T
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))
    return q if q.shape == normal.shape else q.T


_TAIL = ndtr(-2.0)
# standard normal draws -> draws of standard deviation 1 in another shape, by their quantiles
_SHAPES = {
    "normal": lambda normal: normal,
    "uniform": lambda normal: np.sqrt(3) * (2 * ndtr(normal) - 1),
    "truncated_normal": lambda normal: (
        ndtri(_TAIL + (1 - 2 * _TAIL) * ndtr(normal)) / 0.87962566103423978
    ),
    "orthogonal": _orthogonal,
}


class _Draws:
    """Draws of standard deviation 1, remembered: moving a slider rarely changes them.

    At most MEMORY bytes; the oldest are forgotten first. Nobody can write into what it returns.
    """

    MEMORY = 40e6

    def __init__(self):
        self.arrays, self.size, self.lock = {}, 0, threading.Lock()

    def get(self, distribution, shape, stream):
        """Return the draws of a stream, such as (seed, replicate, layer), in one distribution."""
        key = distribution, shape, stream
        draws = self.arrays.get(key)
        if draws is not None:
            return draws
        if distribution == "normal":
            rng = np.random.default_rng(np.random.SeedSequence(stream))
            draws = rng.standard_normal(shape)
        else:
            draws = _SHAPES[distribution](self.get("normal", shape, stream))
        draws.flags.writeable = False
        with self.lock:
            if key not in self.arrays and draws.nbytes <= self.MEMORY:
                self.arrays[key] = draws
                self.size += draws.nbytes
                while self.size > self.MEMORY:
                    self.size -= self.arrays.pop(next(iter(self.arrays))).nbytes
        return draws


_DRAWS = _Draws()


def _keras_maker(name, **arguments):
    def make(seed):
        import keras

        return getattr(keras.initializers, name)(seed=seed, **arguments)

    return make


def _keras_zeros(seed):
    import keras

    return keras.initializers.Zeros()


INITIALIZERS = Named(
    "initializer",
    {
        "standard_normal": Initializer(
            lambda fan_in, fan_out: 1.0, "normal",
            _keras_maker("RandomNormal", mean=0.0, stddev=1.0),
            r"N(0,\ 1)", "source A of this course",
        ),
        "random_normal": Initializer(
            lambda fan_in, fan_out: 0.05**2, "normal", _keras_maker("RandomNormal"),
            r"N(0,\ 0.05^2)", "Keras's default for this name",
        ),
        "heuristic_uniform": Initializer(
            lambda fan_in, fan_out: 1 / (3 * fan_in), "uniform",
            _keras_maker("VarianceScaling", scale=1 / 3, mode="fan_in", distribution="uniform"),
            r"U[\pm 1/\sqrt{n_{in}}]", "Glorot & Bengio 2010, eq. 1",
        ),
        "glorot_uniform": Initializer(
            lambda fan_in, fan_out: 2 / (fan_in + fan_out), "uniform",
            _keras_maker("GlorotUniform"),
            r"U[\pm\sqrt{6/(n_{in}+n_{out})}]", "Glorot & Bengio 2010, eq. 16",
        ),
        "glorot_normal": Initializer(
            lambda fan_in, fan_out: 2 / (fan_in + fan_out), "truncated_normal",
            _keras_maker("GlorotNormal"),
            r"N(0,\ 2/(n_{in}+n_{out}))", "Glorot & Bengio 2010, eq. 12",
        ),
        "he_uniform": Initializer(
            lambda fan_in, fan_out: 2 / fan_in, "uniform", _keras_maker("HeUniform"),
            r"U[\pm\sqrt{6/n_{in}}]", "He et al. 2015, eq. 10",
        ),
        "he_normal": Initializer(
            lambda fan_in, fan_out: 2 / fan_in, "truncated_normal", _keras_maker("HeNormal"),
            r"N(0,\ 2/n_{in})", "He et al. 2015, eq. 10",
        ),
        "lecun_uniform": Initializer(
            lambda fan_in, fan_out: 1 / fan_in, "uniform", _keras_maker("LecunUniform"),
            r"U[\pm\sqrt{3/n_{in}}]", "LeCun et al. 1998",
        ),
        "lecun_normal": Initializer(
            lambda fan_in, fan_out: 1 / fan_in, "truncated_normal", _keras_maker("LecunNormal"),
            r"N(0,\ 1/n_{in})", "LeCun et al. 1998",
        ),
        "orthogonal": Initializer(
            lambda fan_in, fan_out: 1 / max(fan_in, fan_out), "orthogonal",
            _keras_maker("Orthogonal"),
            r"W^\top W = I\ \mathrm{or}\ WW^\top = I", "Saxe et al. 2014",
        ),
        "zeros": Initializer(
            lambda fan_in, fan_out: 0.0, "normal", _keras_zeros,
            r"0", "a warning: every unit of a layer stays equal",
        ),
    },
)  # fmt: skip


def check_normalization(normalization) -> None:
    """Raise a ``ValueError`` unless `normalization` is None or "batch", the two there are."""
    if normalization not in (None, "batch"):
        raise ValueError(f"normalization must be None or 'batch'; got {normalization!r}.")
