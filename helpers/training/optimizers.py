"""The optimizers: for each how Keras makes it, and its whole update as the numbers of one formula.

With the gradient g of a step, the means that an optimizer keeps become

    mean   <- keep mean + take g
    square <- keep_square square + take_square g^2

and then, with count = 1 at the first step,

    rate   <- learning rate * sqrt(1 - fade_square^count) / (1 - fade^count)
    weight <- weight - rate * mean / (sqrt(square + inside) + outside)

A mean that nobody keeps is g itself; without a square there is no division; without a fade_square
the rate stays. Read in Keras 3: epsilon stands inside RMSprop's root and outside Adam's.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

from helpers.checks import Named, positive_number, shown


class Update(NamedTuple):
    """The numbers of the formula above."""

    keep: float = 0.0
    take: float = 1.0
    keep_square: float = 0.0
    take_square: float = 0.0
    inside: float = 0.0
    outside: float = 0.0
    fade: float = 0.0
    fade_square: float = 0.0

    @property
    def has_mean(self) -> bool:
        """Whether a mean of the gradients goes on from step to step."""
        return self.keep != 0

    @property
    def has_square(self) -> bool:
        """Whether a mean of their squares does."""
        return self.take_square != 0


class Optimizer(NamedTuple):
    """One optimizer: the name of Keras's class, its defaults, and the update they make."""

    keras: str
    learning_rate: float
    constants: dict[str, float]
    update: Callable[..., Update]


OPTIMIZERS = Named(
    "optimizer",
    {
        # the gradient itself: no mean is kept, and nothing divides it
        "sgd": Optimizer("SGD", 0.01, {}, Update),
        # a sum that fades, not a mean: the gradient comes in whole (take is 1)
        "momentum": Optimizer("SGD", 0.01, {"momentum": 0.9}, lambda momentum: Update(momentum)),
        # divided by the root of the mean square (Tieleman & Hinton 2012)
        "rmsprop": Optimizer(
            "RMSprop",
            0.001,
            {"rho": 0.9, "epsilon": 1e-7},
            lambda rho, epsilon: Update(
                keep_square=rho,
                take_square=1 - rho,
                inside=epsilon,
            ),
        ),
        # both means, and a rate that makes up for their start at 0 (Kingma & Ba 2015). Keras adds
        # epsilon before that correction, the paper after it: it matters for tiny gradients
        "adam": Optimizer(
            "Adam",
            0.001,
            {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
            lambda beta_1, beta_2, epsilon: Update(
                keep=beta_1,
                take=1 - beta_1,
                keep_square=beta_2,
                take_square=1 - beta_2,
                outside=epsilon,
                fade=beta_1,
                fade_square=beta_2,
            ),
        ),
    },
)


class Chosen(NamedTuple):
    """An optimizer with all its numbers, as the engine takes it."""

    name: str
    learning_rate: float
    update: Update


def choose(optimizer, learning_rate: float | None) -> Chosen | None:
    """Read a name or a Keras optimizer; None for one that has no entry here.

    Raises
    ------
    ValueError
        For an unknown name, or a learning rate that is not above 0.
    """
    if not is_keras_optimizer(optimizer):
        OPTIMIZERS.check(optimizer, also="a Keras optimizer")
        entry = OPTIMIZERS[optimizer]
        rate = entry.learning_rate if learning_rate is None else learning_rate
        rate = positive_number("learning_rate", rate)
        return Chosen(optimizer, rate, entry.update(**entry.constants))
    name = _entry_of(optimizer)
    if name is None:
        return None
    config, entry = optimizer.get_config(), OPTIMIZERS[name]
    rate = config["learning_rate"] if learning_rate is None else learning_rate
    constants = {key: config[key] for key in entry.constants}
    return Chosen(name, positive_number("learning_rate", rate), entry.update(**constants))


def is_keras_optimizer(optimizer) -> bool:
    """Whether this is an optimizer object of Keras; nobody has one before Keras is loaded."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(optimizer, keras.optimizers.Optimizer)


def _entry_of(optimizer):
    """Find the entry that does the same as a Keras optimizer, or None."""
    import keras

    config = optimizer.get_config()
    if not isinstance(config.get("learning_rate"), (int, float)):
        return None  # a schedule, or one that wraps another
    for name in reversed(OPTIMIZERS):  # momentum before sgd: it covers more
        entry = OPTIMIZERS[name]
        # not by name alone: a class of the learner's own may have that name and do something else
        if type(optimizer) is not getattr(keras.optimizers, entry.keras):
            continue
        plain = type(optimizer)().get_config()
        special = {key for key in config if key not in plain or config[key] != plain[key]}
        if not special <= {"name", "learning_rate", *entry.constants}:
            continue
        if name == "momentum" and not config["momentum"]:
            continue
        return name
    return None


def make(optimizer, learning_rate: float | None, clip: tuple[str, float] | None):
    """Make a fresh Keras optimizer with these settings; one that is given is copied.

    Raises
    ------
    ValueError
        As `choose`.
    """
    import keras

    if is_keras_optimizer(optimizer):
        made, settings = type(optimizer), optimizer.get_config()
        if "learning_rate" not in settings:
            raise ValueError(
                f"An optimizer that wraps another one ({made.__name__}) can't be used here; give "
                "the one that it wraps."
            )
    else:
        OPTIMIZERS.check(optimizer, also="a Keras optimizer")
        entry = OPTIMIZERS[optimizer]
        made = getattr(keras.optimizers, entry.keras)
        settings = {"name": optimizer, "learning_rate": entry.learning_rate, **entry.constants}
    if learning_rate is not None:
        settings["learning_rate"] = positive_number("learning_rate", learning_rate)
    if clip is not None:
        sort, threshold = clip
        settings[CLIPS[sort]] = threshold
    return made.from_config(settings)


CLIPS = {"global_norm": "global_clipnorm", "norm": "clipnorm", "value": "clipvalue"}


def _is_clip(name):
    # an array among names compares entry by entry
    return isinstance(name, str) and name in CLIPS


def check_clip(clip) -> tuple[str, float] | None:
    """Return how the gradient is clipped, or None, or raise the ``ValueError`` that says how."""
    if clip is None:
        return None
    if not isinstance(clip, (tuple, list)) or len(clip) != 2 or not _is_clip(clip[0]):
        raise ValueError(
            f"clip must be None or a pair, {' or '.join(map(repr, CLIPS))} and a threshold; "
            f"got {shown(clip)}."
        )
    return clip[0], positive_number("the threshold of clip", clip[1])
