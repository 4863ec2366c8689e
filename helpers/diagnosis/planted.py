"""Networks with one known fault each, and healthy ones: to judge the verdicts, and for an exam.

``FAULTS[name].make(seed)`` builds one, with sizes and data that depend on the seed: a compiled
model and the data to diagnose it with. ``FAULTS[name].verdicts`` are the right answers.
``HEALTHY[name](seed)`` builds one without a fault. All of them seed Keras's generators.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras

from helpers.diagnosis import builders
from helpers.diagnosis.builders import Planted

layers = keras.layers


class Fault(NamedTuple):
    """How to build a network with a fault, and which verdicts name it."""

    verdicts: tuple[str, ...]
    make: Callable[[int], Planted]


HE = {"kernel_initializer": "he_normal"}
# a loss that takes the softmax itself
TWICE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
# so far below 0 that no sum of standardised inputs makes up for it
DEAD = keras.initializers.Constant(-10)


def _normal(stddev):
    """Describe an initializer: from a description each layer makes one of its own."""
    config = {"mean": 0.0, "stddev": stddev, "seed": None}
    return {"kernel_initializer": {"class_name": "RandomNormal", "config": config}}


# a description, as in `_normal`
NEGATIVE = {
    "kernel_initializer": {
        "class_name": "RandomUniform",
        "config": {"minval": -0.5, "maxval": 0.0, "seed": None},
    }
}

FAULTS: dict[str, Fault] = {
    # slopes of at most 1/4, eight and more of them
    "sigmoid stack": Fault(("vanishing",), lambda s: builders.mlp(s, 8, "sigmoid")),
    # a spread of 0.02 where Glorot would take some 0.15
    "tanh, small weights": Fault(
        ("vanishing",), lambda s: builders.mlp(s, 8, "tanh", **_normal(0.02))
    ),
    # He's weights would be some seven times as large
    "relu, small weights": Fault(
        ("vanishing",), lambda s: builders.mlp(s, 8, "relu", **_normal(0.03))
    ),
    # half of the forget gates are shut at the start: a factor of 1/2 a step
    "LSTM over 500 steps": Fault(
        ("vanishing",), lambda s: builders.recurrent(s, layers.LSTM, 500, unit_forget_bias=False)
    ),
    # its update gate starts at 1/2, and has no bias that a learner would set
    "GRU over 60 steps": Fault(("vanishing",), lambda s: builders.recurrent(s, layers.GRU, 60)),
    # all units of a layer stay one and the same
    "zero init": Fault(
        ("symmetric units",), lambda s: builders.mlp(s, 2, "relu", kernel_initializer="zeros")
    ),
    # each layer multiplies by several: nothing holds a ReLU back
    "too large init, relu": Fault(
        ("exploding",), lambda s: builders.mlp(s, 8, "relu", **_normal(1.0))
    ),
    # the tanh saturates at once, and what passes it explodes; both names are right
    "too large init, tanh": Fault(
        ("exploding", "saturated"), lambda s: builders.mlp(s, 3, "tanh", **_normal(2.0))
    ),
    # pre-activations far out on both sides
    "saturated sigmoid": Fault(
        ("saturated",), lambda s: builders.mlp(s, 2, "sigmoid", **_normal(2.0))
    ),
    # a bias of -10 switches each unit off, whatever the input
    "dead ReLUs, biases": Fault(
        ("dying",),
        lambda s: builders.mlp(s, 2, "relu", bias_initializer=DEAD, **HE),
    ),
    # negative kernels on positive activations: off from the second layer on
    "dead ReLUs, weights": Fault(("dying",), lambda s: builders.cnn(s, **NEGATIVE)),
    # 0 to 255, as an image file has them
    "unscaled pixels": Fault(
        ("unscaled inputs",),
        lambda s: builders.mlp(s, 2, "relu", **HE)._replace(x=builders.pixels(s)),
    ),
    # divided by 255 in the file, and once more in the notebook
    "scaled twice": Fault(
        ("unscaled inputs",),
        lambda s: builders.mlp(s, 2, "relu", **HE)._replace(x=builders.pixels(s) / 255**2),
    ),
    # a loss of probabilities, and an output that is none
    "missing softmax": Fault(
        ("wrong head or loss",), lambda s: builders.mlp(s, 2, "relu", head=None, **HE)
    ),
    # the same for two classes
    "missing sigmoid": Fault(
        ("wrong head or loss",), lambda s: builders.two_classes(s, None, "binary_crossentropy")
    ),
    # the loss takes the softmax of probabilities: its gradient is too small
    "softmax twice": Fault(
        ("wrong head or loss",),
        lambda s: builders.compiled(
            s,
            lambda: [layers.Dense(builders.width(s), "relu"), *builders.top("softmax")],
            *builders.digits(s),
            loss=TWICE,
        ),
    ),
    # labels of a support vector machine, under a loss for 0 and 1
    "labels -1 and 1": Fault(
        ("wrong head or loss",),
        lambda s: builders.two_classes(s, "sigmoid", "binary_crossentropy", labels=(-1, 1)),
    ),
    # a loss of probabilities for numbers of any size
    "wrong loss": Fault(
        ("wrong head or loss",),
        lambda s: builders.regression(s, "sigmoid", loss="binary_crossentropy"),
    ),
    # an output that is never negative
    "relu head for negative targets": Fault(
        ("wrong head or loss",), lambda s: builders.regression(s, "relu")
    ),
    # frozen, and forgotten
    "frozen layer": Fault(("frozen",), builders.frozen),
    # all tokens of an example become alike on the way up (Dong et al. 2021)
    "post-norm, 24 blocks": Fault(
        ("rank collapse",), lambda s: builders.transformer(s, 24, pre_norm=False)
    ),
    # Adam moves each weight by about the rate, whatever the gradient
    "learning rate 10": Fault(("update ratio off",), lambda s: builders.with_rate(s, 10.0)),
    # nothing moves
    "learning rate 1e-8": Fault(("update ratio off",), lambda s: builders.with_rate(s, 1e-8)),
    # small gradients, and nothing wrong with that
    "converged": Fault(("converged",), builders.converged),
    # two matrices without a bend between them, of rank 2
    "linear bottleneck": Fault(("no activation",), builders.bottleneck),
    # gaps of a table, read as NaN
    "NaN data": Fault(("NaN",), builders.with_gaps),
    # of 0: -inf, and NaN from there on
    "logarithm": Fault(("NaN",), builders.logarithm),
    # weights that have left the range of float32
    "diverged": Fault(("NaN",), builders.diverged),
    # source A's mistake: one object draws the same numbers for every layer
    "shared initializer": Fault(("identical kernels",), lambda s: builders.shared(s, "mlp")),
    # weights so small that every answer is the mean
    "plateau": Fault(
        ("plateau",),
        lambda s: builders.compiled(
            s,
            lambda: [
                layers.Dense(builders.width(s), "tanh", **_normal(1e-3)),
                layers.Dense(builders.CLASSES, "softmax", **_normal(1e-3)),
            ],
            *builders.digits(s),
        ),
    ),
}
HEALTHY: dict[str, Callable[[int], Planted]] = {
    "dense relu": lambda s: builders.mlp(s, 3, "relu", **HE),
    "dense tanh": lambda s: builders.mlp(s, 4, "tanh", optimizer="rmsprop"),
    "convolutions": builders.cnn,
    # running averages, dropout and an epoch of training behind it
    "normalised convolutions": builders.normalized_cnn,
    "LSTM over 10 steps": lambda s: builders.recurrent(s, layers.LSTM, 8),
    "pre-norm, 2 blocks": lambda s: builders.transformer(s, 2, pre_norm=True),
    "residual blocks": builders.residual,
    # a linear code is narrow on purpose, and no fault
    "autoencoder": builders.autoencoder,
    "words": builders.words,
    "regression": lambda s: builders.regression(s, None, optimizer=keras.optimizers.SGD(0.01)),
}
