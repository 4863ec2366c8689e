"""Named data sets, small enough to look at: points in the plane, and 8 x 8 digits."""

import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from helpers.checks import (
    Named,
    a_text,
    affordable,
    finite_number,
    not_endless,
    positive_number,
    whole_number,
)

NUM_DIGITS = 1797  # examples in the test part of optdigits, all that scikit-learn ships
FEWEST_DIGITS = 100  # fewer might lack one of the ten classes
# Kinds of NumPy's types: booleans and numbers. It would read None as NaN, and "0.1" as a number.
NUMBERS = "biuf"
TEXTS = "US"
INNERMOST = 0.02  # a share of the area: the middle, where the two spirals meet, stays empty
LARGEST_SEED = 2**32 - 1  # of NumPy's older generator, which draws two of the sets
SHOWN_LABELS = 5  # of wrong ones, in an error sentence


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled examples, checked when they are made.

    Parameters
    ----------
    x : array, shape (num_examples, num_inputs)
        Finite inputs; stored as float32.
    y : array, shape (num_examples,) or (num_examples, 1)
        Class labels 0, 1, ... K-1, every one of them present; stored flat, as float32. A single
        class, all 0, is poor data, but data: networks soon learn to say it everywhere.
    name : str
        How pictures call it.

    Raises
    ------
    ValueError
        For a wrong shape, a value that is not finite, or other labels.
    """

    x: np.ndarray
    y: np.ndarray
    name: str = "my data"

    def __post_init__(self):
        x = _numbers(self.x)
        y = _labels(self.y)
        a_text("name", self.name)
        if x.ndim != 2 or 0 in x.shape:
            raise ValueError(f"x must have shape (num_examples, num_inputs); got {x.shape}.")
        if not np.isfinite(x).all():
            # the first one, as one place is enough to look for the reason
            row, column = np.argwhere(~np.isfinite(x))[0]
            raise ValueError(
                f"x must be finite; got {x[row, column]} in row {row}, column {column}."
            )
        if y.shape not in {(len(x),), (len(x), 1)}:
            raise ValueError(
                f"y must have one label for each of the {len(x)} rows of x; got shape {y.shape}."
            )
        # other things than numbers and texts need not have an order, in which to find each once
        labels = np.unique(y) if y.dtype.kind in NUMBERS + TEXTS else y.ravel()
        # a comparison of texts with numbers would be an error
        are_numbers = labels.dtype.kind in NUMBERS
        if not are_numbers or (labels != range(len(labels))).any():
            more = ", ..." if len(labels) > SHOWN_LABELS else ""
            raise ValueError(
                "y must hold the class labels 0, 1, ... K-1, each of them; "
                f"got {', '.join(map(str, labels[:SHOWN_LABELS]))}{more}.{_advice(labels)}"
            )
        # the class is frozen: this is how a checked value gets in
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y.reshape(-1).astype(np.float32))

    def __len__(self) -> int:
        return len(self.x)

    @property
    def num_inputs(self) -> int:
        """Columns of x."""
        return self.x.shape[1]

    @property
    def num_outputs(self) -> int:
        """Output units a network needs: 1 (sigmoid) up to two classes, else one each (softmax)."""
        classes = int(self.y.max()) + 1
        return 1 if classes <= 2 else classes


def _numbers(x) -> np.ndarray:
    """Return inputs as float32, or raise the ``ValueError`` that says what to do."""
    if hasattr(x, "toarray"):
        raise ValueError("x is a sparse matrix; give x.toarray().")
    if hasattr(x, "element_spec"):
        raise ValueError(
            "x is a tf.data.Dataset; take arrays out of it first: "
            "x, y = next(iter(dataset.unbatch().batch(1000)))."
        )
    x = _array("x", x)
    if x.dtype == object:
        x = _as_numbers("x", x)
    if x.dtype.kind not in NUMBERS:
        raise ValueError(
            f"x must be an array of numbers; got entries of the type {x.dtype}. Turn words into "
            "numbers first (a column of 0 and 1 for each)."
        )
    return x.astype(np.float32)


def _as_numbers(name, values) -> np.ndarray:
    """Return numbers that are kept as objects, as a table may, as floats; all else as it is."""
    if not all(isinstance(value, numbers.Real) for value in values.ravel()):
        return values
    try:
        return values.astype(float)
    except OverflowError as error:
        raise ValueError(f"{name} holds a number too large for a float: {error}.") from error


def _labels(y) -> np.ndarray:
    """Return labels as an array; numbers that are kept as objects, as numbers."""
    y = _array("y", y)
    if y.dtype == object:
        y = _as_numbers("y", y)
    # text as objects, as a table has it, is text
    return y.astype(str) if y.dtype == object else y


def _advice(labels) -> str:
    """Say how labels of another kind become 0, 1, ... K-1; "" where nobody can know."""
    if labels.dtype.kind in "biuf" and labels.tolist() == [-1, 1]:
        return " Use (y > 0).astype(int)."
    whole = labels.dtype.kind in "biu" or (
        labels.dtype.kind == "f" and np.array_equal(labels, np.round(labels))
    )
    if len(labels) < 2:
        return ""
    if labels.dtype.kind in "US" or whole:
        return " Number them: names, y = np.unique(y, return_inverse=True)."
    return (
        " If they're numbers to be predicted (regression), use diagnosis.diagnose, or model.fit "
        "with diagnosis.GradientWatch."
    )


def check_dataset(dataset) -> None:
    """Raise a ``ValueError`` unless `dataset` is a `Dataset`."""
    if not isinstance(dataset, Dataset):
        raise ValueError(
            "dataset must be a Dataset, such as data.circles() or Dataset(x, y); "
            f"got {type(dataset).__name__}."
        )


def _array(name, values):
    """Return an array; what can't become one is told in a sentence."""
    try:
        return np.asarray(not_endless(name, values))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be an array of numbers; NumPy says: {error}") from error


def circles(
    num_examples: int = 1000, *, factor: float = 0.5, noise: float = 0.1, seed: int = 0
) -> Dataset:
    """Two noisy circles, one inside the other: the data of source A, not rescaled.

    The outer circle (label 0) has radius 1, the inner one (label 1) radius `factor`, so that
    E|x|^2 = (1 + factor^2)/2 + 2 noise^2, which is 0.645 for the defaults.
    """
    num_examples = _how_many(num_examples)
    if not 0 <= finite_number("factor", factor) < 1:
        raise ValueError(f"factor must be at least 0 and below 1; got {factor!r}.")
    # the draws of scikit-learn's make_circles, to the bit, without its half a second of imports:
    # this is what the first cell of a lesson waits for
    draws = np.random.RandomState(_seed(seed, high=LARGEST_SEED))
    num_outer = num_examples // 2
    outer = np.linspace(0, 2 * np.pi, num_outer, endpoint=False)
    inner = np.linspace(0, 2 * np.pi, num_examples - num_outer, endpoint=False)
    angles = np.concatenate([outer, inner])
    y = np.arange(num_examples) >= num_outer
    radii = np.where(y, factor, 1.0)
    x = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], axis=1)
    order = np.arange(num_examples)
    draws.shuffle(order)
    x = x[order] + draws.normal(scale=_noise(noise), size=x.shape)
    return Dataset(x, y[order], "circles")


def moons(num_examples: int = 1000, *, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Two interleaved half circles, standardised (raw, their mean is (0.5, 0.25))."""
    from sklearn.datasets import make_moons  # only here: scikit-learn takes long to import

    num_examples = _how_many(num_examples)
    x, y = make_moons(
        num_examples, noise=_noise(noise), random_state=_seed(seed, high=LARGEST_SEED)
    )
    return Dataset(_standardise(x), y, "moons")


def spirals(
    num_examples: int = 1000, *, turns: float = 1.5, noise: float = 0.05, seed: int = 0
) -> Dataset:
    """Two intertwined spirals of `turns` turns each, standardised: the hardest of the plane."""
    num_examples = _how_many(num_examples)
    positive_number("turns", turns)
    rng = np.random.default_rng(_seed(seed))
    # as many of either class, in random order
    y = rng.permutation(np.arange(num_examples) % 2)
    # the root spreads the points evenly over the area instead of crowding them in the middle
    radius = np.sqrt(rng.uniform(INNERMOST, 1, num_examples))
    # the second spiral is the first one turned by half a circle
    angle = 2 * np.pi * turns * radius + np.pi * y
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    x += _noise(noise) * rng.standard_normal(x.shape)
    return Dataset(_standardise(x), y, "spirals")


def digits(num_examples: int = NUM_DIGITS, *, seed: int = 0) -> Dataset:
    """Handwritten digits, 8 x 8 pixels, shuffled, each pixel divided by 16 (so 0 to 1).

    The test part of UCI's optdigits as scikit-learn ships it: at most NUM_DIGITS examples. The raw
    values, 0 to 16, would saturate every first layer.
    """
    from sklearn.datasets import load_digits

    allowed = {"low": FEWEST_DIGITS, "high": NUM_DIGITS}
    num_examples = whole_number("num_examples", num_examples, **allowed)
    x, y = load_digits(return_X_y=True)
    # shuffled before it is cut, so that a part holds all classes about alike
    chosen = np.random.default_rng(_seed(seed)).permutation(len(x))[:num_examples]
    return Dataset(x[chosen] / 16, y[chosen], "digits")


def _standardise(x):
    # mean 0 and standard deviation 1 for each input, as most initializers assume
    return (x - x.mean(axis=0)) / x.std(axis=0)


def _seed(seed, *, high=None):
    return whole_number("seed", seed, low=0, high=high)


def _how_many(num_examples):
    num_examples = whole_number("num_examples", num_examples, low=2)
    # both coordinates, their noise, and the copies on the way
    affordable("So many examples", 10 * num_examples)
    return num_examples


def _noise(noise):
    return finite_number("noise", noise, low=0)


DATASETS = Named(
    "data set",
    {"circles": circles, "moons": moons, "spirals": spirals, "digits": digits},
    kind=Callable,
)
