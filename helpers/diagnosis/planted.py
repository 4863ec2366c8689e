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
    # eight slopes of at most 1/4, under weights that were made for a slope of 1
    "sigmoid stack": Fault(("vanishing",), lambda s: builders.mlp(s, 8, "sigmoid")),
    # 0.02 times the root of the width is the factor of each layer: about 0.13
    "tanh, small weights": Fault(
        ("vanishing",), lambda s: builders.mlp(s, 8, "tanh", **_normal(0.02))
    ),
    # 0.03 times the root of half the width: about 0.14 a layer
    "relu, small weights": Fault(
        ("vanishing",), lambda s: builders.mlp(s, 8, "relu", **_normal(0.03))
    ),
    # without its bias of 1 the forget gate halves the gradient at each step
    "LSTM over 500 steps": Fault(
        ("vanishing",), lambda s: builders.recurrent(s, layers.LSTM, 500, unit_forget_bias=False)
    ),
    # the update gate starts at one half: 60 halvings
    "GRU over 60 steps": Fault(("vanishing",), lambda s: builders.recurrent(s, layers.GRU, 60)),
    # units that start alike get the same gradient for ever
    "zero init": Fault(
        ("symmetric units",), lambda s: builders.mlp(s, 2, "relu", kernel_initializer="zeros")
    ),
    # the root of half the width is the factor of each layer: 4 to 6
    "too large init, relu": Fault(
        ("exploding",), lambda s: builders.mlp(s, 8, "relu", **_normal(1.0))
    ),
    # saturated, and yet the gradient may grow: large weights multiply it, too
    "too large init, tanh": Fault(
        ("exploding", "saturated"), lambda s: builders.mlp(s, 3, "tanh", **_normal(2.0))
    ),
    # z has a standard deviation of 10 and more, and the sigmoid is flat from 6 on
    "saturated sigmoid": Fault(
        ("saturated",), lambda s: builders.mlp(s, 2, "sigmoid", **_normal(2.0))
    ),
    # a bias of -10 that no z gets over
    "dead ReLUs, biases": Fault(
        ("dying",),
        lambda s: builders.mlp(s, 2, "relu", bias_initializer=DEAD, **HE),
    ),
    # behind one ReLU all inputs are positive, so negative weights give nothing
    "dead ReLUs, weights": Fault(("dying",), lambda s: builders.cnn(s, **NEGATIVE)),
    # 0 to 255, as an image file has them
    "unscaled pixels": Fault(
        ("unscaled inputs",),
        lambda s: builders.mlp(s, 2, "relu", **HE)._replace(x=builders.pixels(s)),
    ),
    # divided by 255 once in the data, and once more by hand
    "scaled twice": Fault(
        ("unscaled inputs",),
        lambda s: builders.mlp(s, 2, "relu", **HE)._replace(x=builders.pixels(s) / 255**2),
    ),
    # the loss takes probabilities, and gets whatever the last layer gives
    "missing softmax": Fault(
        ("wrong head or loss",), lambda s: builders.mlp(s, 2, "relu", head=None, **HE)
    ),
    # negative outputs are cut to 0, where nothing has a gradient
    "missing sigmoid": Fault(
        ("wrong head or loss",), lambda s: builders.two_classes(s, None, "binary_crossentropy")
    ),
    # the loss squashes once more what is squashed already
    "softmax twice": Fault(
        ("wrong head or loss",),
        lambda s: builders.compiled(
            s,
            lambda: [layers.Dense(builders.width(s), "relu"), *builders.top("softmax")],
            *builders.digits(s),
            loss=TWICE,
        ),
    ),
    # the loss of a label -1 has no floor
    "labels -1 and 1": Fault(
        ("wrong head or loss",),
        lambda s: builders.two_classes(s, "sigmoid", "binary_crossentropy", labels=(-1, 1)),
    ),
    # a cross-entropy for targets from -2 to 2
    "wrong loss": Fault(
        ("wrong head or loss",),
        lambda s: builders.regression(s, "sigmoid", loss="binary_crossentropy"),
    ),
    # what the head can't reach
    "relu head for negative targets": Fault(
        ("wrong head or loss",), lambda s: builders.regression(s, "relu")
    ),
    # set before compiling, and forgotten
    "frozen layer": Fault(("frozen",), builders.frozen),
    # attention averages tokens, block after block, until they're all alike
    "post-norm, 24 blocks": Fault(
        ("rank collapse",), lambda s: builders.transformer(s, 24, pre_norm=False)
    ),
    # Adam's first step changes each weight by the learning rate
    "learning rate 10": Fault(("update ratio off",), lambda s: builders.with_rate(s, 10.0)),
    # as after too many halvings by a schedule
    "learning rate 1e-8": Fault(("update ratio off",), lambda s: builders.with_rate(s, 1e-8)),
    # no fault, but a small gradient all the same
    "converged": Fault(("converged",), builders.converged),
    # ten classes through two numbers, and nothing that bends
    "linear bottleneck": Fault(("no activation",), builders.bottleneck),
    # one column of a table with gaps
    "NaN data": Fault(("NaN",), builders.with_gaps),
    # of a ReLU's output, which is 0 for half of the examples
    "logarithm": Fault(("NaN",), builders.logarithm),
    # the weights themselves are no numbers any more
    "diverged": Fault(("NaN",), builders.diverged),
    # the trap of Keras 3 that lesson 02 is about
    "shared initializer": Fault(("identical kernels",), lambda s: builders.shared(s, "mlp")),
    # weights so small that every answer is the same, and no weight can change that
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
    # He's weights for ReLU
    "dense relu": lambda s: builders.mlp(s, 3, "relu", **HE),
    # Glorot's weights for tanh, and the optimizer with the largest first step
    "dense tanh": lambda s: builders.mlp(s, 4, "tanh", optimizer="rmsprop"),
    # the same on images
    "convolutions": builders.cnn,
    # trained for an epoch: moving averages, dropout, dead units here and there
    "normalised convolutions": builders.normalized_cnn,
    # few enough steps for the last state to know the first
    "LSTM over 10 steps": lambda s: builders.recurrent(s, layers.LSTM, 8),
    # the normalisation stands before attention, and the sum stays clean
    "pre-norm, 2 blocks": lambda s: builders.transformer(s, 2, pre_norm=True),
    # logits as outputs, which the loss knows
    "residual blocks": builders.residual,
    # its narrow layer is linear on purpose
    "autoencoder": builders.autoencoder,
    # whole numbers as inputs, whose size means nothing
    "words": builders.words,
    # targets of any size, with plain gradient descent
    "regression": lambda s: builders.regression(s, None, optimizer=keras.optimizers.SGD(0.01)),
}
