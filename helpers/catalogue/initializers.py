"""The initializers, and the one sampler that every initial weight of the course comes from."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from helpers.checks import (
    Named,
    a_function,
    a_text,
    affordable,
    finite_number,
    shown,
    whole_number,
)


@dataclass(frozen=True)
class Initializer:
    """How the initial kernels are drawn, a variance and a shape of distribution; and the biases.

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
        # a list can't be looked up in a dictionary, so the kind comes first
        if not isinstance(self.distribution, str) or self.distribution not in _SHAPES:
            raise ValueError(
                f"Unknown distribution {shown(self.distribution)}. Allowed: {', '.join(_SHAPES)}."
            )
        if self.keras is not None:
            a_function("keras", self.keras)
        for name in ("formula", "source"):
            a_text(name, getattr(self, name))
        _check_variance(self.variance)
        finite_number("bias_variance", self.bias_variance, low=0)

    def sample(self, fan_in: int, fan_out: int, *, seed=0, replicate=0, layer=1) -> np.ndarray:
        """Draw one kernel, float32, shape (fan_in, fan_out).

        Every initial weight of the course comes from here. The stream belongs to (`seed`,
        `replicate`, `layer`) and starts as standard normal numbers, which the initializer only
        reshapes: two initializers with one seed give the same draws on another scale, so a
        difference on screen is the setting, not luck. The output layer counts as layer 0: its
        draws stay the same when the depth changes.
        """
        fan_in = whole_number("fan_in", fan_in)
        fan_out = whole_number("fan_out", fan_out)
        affordable("A kernel of that size", 4 * fan_in * fan_out)
        stream = _stream(seed, replicate, layer)
        scale = np.sqrt(self.variance(fan_in, fan_out))
        # orthonormal rows or columns have entries of variance 1 / max(fan_in, fan_out), not 1
        if self.distribution == "orthogonal":
            scale *= np.sqrt(max(fan_in, fan_out))
        draws = _DRAWS.get(self.distribution, (fan_in, fan_out), stream)
        # the product is a new array, so the remembered draws stay as they are
        return (scale * draws).astype(np.float32)

    def sample_bias(self, units: int, *, seed=0, replicate=0, layer=1) -> np.ndarray:
        """Draw a layer's biases, float32, shape (units,), from a stream beside its kernel's."""
        units = whole_number("units", units)
        _stream(seed, replicate, layer)
        affordable("A layer of that size", units)
        # the usual case, and a slider need not wait for draws that are multiplied by 0
        if self.bias_variance == 0:
            return np.zeros(units, np.float32)
        # a fourth number, so that no kernel has this stream
        stream = (*_stream(seed, replicate, layer), 1)
        draws = _DRAWS.get("normal", (units,), stream)
        return (np.sqrt(self.bias_variance) * draws).astype(np.float32)

    def sample_layers(self, sizes: list[int], seed: int = 0, replicate: int = 0) -> list[tuple]:
        """Draw the kernel and the biases of every layer of a network: a list of pairs.

        `sizes` are the units of each layer, the inputs first.
        """
        if not isinstance(sizes, (list, tuple, np.ndarray)) or len(sizes) < 2:
            raise ValueError(
                f"sizes must be a list of two whole numbers or more; got {shown(sizes)}."
            )
        last = len(sizes) - 1
        layers = []
        for number, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), start=1):
            # the output layer's stream stays the same when the depth changes: it is layer 0
            stream = {"seed": seed, "replicate": replicate, "layer": number % last}
            kernel = self.sample(fan_in, fan_out, **stream)
            layers.append((kernel, self.sample_bias(fan_out, **stream)))
        return layers


def _stream(seed, replicate, layer):
    """Return the numbers of a stream of draws, checked."""
    return (
        whole_number("seed", seed, low=0),
        whole_number("replicate", replicate, low=0),
        whole_number("layer", layer, low=0),
    )


def _check_variance(variance):
    """Raise a ``ValueError`` unless `variance` gives numbers of 0 or more."""
    a_function("variance", variance)
    try:
        # any two sizes: a mistake in the function shows here, not in the middle of a lesson
        value = variance(3, 4)
    except Exception as error:  # whatever the learner's function raises, it is told in a sentence
        raise ValueError(
            "The variance of an initializer must be a function of fan_in and fan_out; for 3 and 4 "
            f"it raised {type(error).__name__}: {error}"
        ) from error
    try:
        fits = 0 <= float(value) < np.inf
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise ValueError(
            f"The variance of a weight must be a finite number, 0 or more; "
            f"for fan_in 3 and fan_out 4 it is {shown(value)}."
        )


def _orthogonal(normal):
    # QR gives orthonormal columns, of which there are at most as many as rows
    tall = normal if normal.shape[0] >= normal.shape[1] else normal.T
    q, r = np.linalg.qr(tall)
    # LAPACK's signs are no fair draw: with these the distribution is uniform (Mezzadri 2007)
    q = q * np.sign(np.diag(r))
    return q if q.shape == normal.shape else q.T


_TAIL = ndtr(-2.0)  # the share of a normal distribution that is cut off on each side
_TRUNCATED_STD = 0.87962566103423978  # the standard deviation of what is left, as Keras rounds it
# standard normal draws -> draws of standard deviation 1 in another shape, by their quantiles
_SHAPES = {
    "normal": lambda normal: normal,
    # U(-sqrt(3), sqrt(3)) has variance 1
    "uniform": lambda normal: np.sqrt(3) * (2 * ndtr(normal) - 1),
    "truncated_normal": lambda normal: (
        ndtri(_TAIL + (1 - 2 * _TAIL) * ndtr(normal)) / _TRUNCATED_STD
    ),
    "orthogonal": _orthogonal,
}


class _Draws:
    """Draws of standard deviation 1, remembered: moving a slider rarely changes them.

    At most MEMORY bytes; the oldest are forgotten first. Nobody can write into what it returns.
    """

    MEMORY = 16e6  # bytes: what 10 networks of 20 layers of 100 units take

    def __init__(self):
        self.arrays = {}
        self.size = 0
        self.lock = threading.Lock()

    def get(self, distribution, shape, stream):
        """Return the draws of a stream, such as (seed, replicate, layer), in one distribution."""
        key = (distribution, shape, stream)
        # without the lock: a dict may be read while another thread writes, and at worst two draw
        draws = self.arrays.get(key)
        if draws is not None:
            return draws
        if distribution == "normal":
            rng = np.random.default_rng(np.random.SeedSequence(stream))
            draws = rng.standard_normal(shape)
        else:
            draws = _SHAPES[distribution](self.get("normal", shape, stream))
        # everybody gets the same array, so a change by one would reach all
        draws.flags.writeable = False
        # an explorer's thread draws, too: size and arrays have to change together
        with self.lock:
            if key not in self.arrays and draws.nbytes <= self.MEMORY:
                self.arrays[key] = draws
                self.size += draws.nbytes
                # a dict keeps the order of insertion: the first one is the oldest
                while self.size > self.MEMORY:
                    self.size -= self.arrays.pop(next(iter(self.arrays))).nbytes
        return draws


_DRAWS = _Draws()


def _keras_maker(name, **arguments):
    def make(seed):
        import keras  # only now: the catalogue loads without TensorFlow

        return getattr(keras.initializers, name)(seed=seed, **arguments)

    return make


def _keras_zeros(seed):
    # Keras's Zeros takes no seed
    import keras

    return keras.initializers.Zeros()


INITIALIZERS = Named(
    "initializer",
    {
        "standard_normal": Initializer(
            lambda fan_in, fan_out: 1.0,
            "normal",
            keras=_keras_maker("RandomNormal", mean=0.0, stddev=1.0),
            formula=r"N(0,\ 1)",
            source="source A of this course",
        ),
        "random_normal": Initializer(
            lambda fan_in, fan_out: 0.05**2,
            "normal",
            keras=_keras_maker("RandomNormal"),
            formula=r"N(0,\ 0.05^2)",
            source="Keras's default for this name",
        ),
        "heuristic_uniform": Initializer(
            # of U(-a, a) the variance is a^2 / 3
            lambda fan_in, fan_out: 1 / (3 * fan_in),
            "uniform",
            keras=_keras_maker(
                "VarianceScaling", scale=1 / 3, mode="fan_in", distribution="uniform"
            ),
            formula=r"U[\pm 1/\sqrt{n_{in}}]",
            source="Glorot & Bengio 2010, eq. 1",
        ),
        "glorot_uniform": Initializer(
            lambda fan_in, fan_out: 2 / (fan_in + fan_out),
            "uniform",
            keras=_keras_maker("GlorotUniform"),
            formula=r"U[\pm\sqrt{6/(n_{in}+n_{out})}]",
            source="Glorot & Bengio 2010, eq. 16",
        ),
        "glorot_normal": Initializer(
            lambda fan_in, fan_out: 2 / (fan_in + fan_out),
            "truncated_normal",
            keras=_keras_maker("GlorotNormal"),
            formula=r"N(0,\ 2/(n_{in}+n_{out}))",
            source="Glorot & Bengio 2010, eq. 12",
        ),
        "he_uniform": Initializer(
            lambda fan_in, fan_out: 2 / fan_in,
            "uniform",
            keras=_keras_maker("HeUniform"),
            formula=r"U[\pm\sqrt{6/n_{in}}]",
            source="He et al. 2015, eq. 10",
        ),
        "he_normal": Initializer(
            lambda fan_in, fan_out: 2 / fan_in,
            "truncated_normal",
            keras=_keras_maker("HeNormal"),
            formula=r"N(0,\ 2/n_{in})",
            source="He et al. 2015, eq. 10",
        ),
        "lecun_uniform": Initializer(
            lambda fan_in, fan_out: 1 / fan_in,
            "uniform",
            keras=_keras_maker("LecunUniform"),
            formula=r"U[\pm\sqrt{3/n_{in}}]",
            source="LeCun et al. 1998",
        ),
        "lecun_normal": Initializer(
            lambda fan_in, fan_out: 1 / fan_in,
            "truncated_normal",
            keras=_keras_maker("LecunNormal"),
            formula=r"N(0,\ 1/n_{in})",
            source="LeCun et al. 1998",
        ),
        "orthogonal": Initializer(
            lambda fan_in, fan_out: 1 / max(fan_in, fan_out),
            "orthogonal",
            keras=_keras_maker("Orthogonal"),
            formula=r"W^\top W = I\ \mathrm{or}\ WW^\top = I",
            source="Saxe et al. 2014",
        ),
        "zeros": Initializer(
            lambda fan_in, fan_out: 0.0,
            "normal",
            keras=_keras_zeros,
            formula=r"0",
            source="a warning: every unit of a layer stays equal",
        ),
    },
    kind=Initializer,
)
