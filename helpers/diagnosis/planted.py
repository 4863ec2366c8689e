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
TWICE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
DEAD = keras.initializers.Constant(-10)


def _normal(stddev):
    """Describe an initializer: from a description each layer makes one of its own."""
    config = {"mean": 0.0, "stddev": stddev, "seed": None}
    return {"kernel_initializer": {"class_name": "RandomNormal", "config": config}}


NEGATIVE = {
    "kernel_initializer": {
        "class_name": "RandomUniform",
        "config": {"minval": -0.5, "maxval": 0.0, "seed": None},
    }
}

FAULTS: dict[str, Fault] = {
    "sigmoid stack": Fault(("vanishing",), lambda s: builders.mlp(s, 8, "sigmoid")),
    "tanh, small weights": Fault(
        ("vanishing",), lambda s: builders.mlp(s, 8, "tanh", **_normal(0.02))
    ),
    "relu, small weights": Fault(
        ("vanishing",), lambda s: builders.mlp(s, 8, "relu", **_normal(0.03))
    ),
    "LSTM over 500 steps": Fault(
        ("vanishing",), lambda s: builders.recurrent(s, layers.LSTM, 500, unit_forget_bias=False)
    ),
    "GRU over 60 steps": Fault(("vanishing",), lambda s: builders.recurrent(s, layers.GRU, 60)),
    "zero init": Fault(
        ("symmetric units",), lambda s: builders.mlp(s, 2, "relu", kernel_initializer="zeros")
    ),
    "too large init, relu": Fault(
        ("exploding",), lambda s: builders.mlp(s, 8, "relu", **_normal(1.0))
    ),
    "too large init, tanh": Fault(
        ("exploding", "saturated"), lambda s: builders.mlp(s, 3, "tanh", **_normal(2.0))
    ),
    "saturated sigmoid": Fault(
        ("saturated",), lambda s: builders.mlp(s, 2, "sigmoid", **_normal(2.0))
    ),
    "dead ReLUs, biases": Fault(
        ("dying",),
        lambda s: builders.mlp(s, 2, "relu", bias_initializer=DEAD, **HE),
    ),
    "dead ReLUs, weights": Fault(("dying",), lambda s: builders.cnn(s, **NEGATIVE)),
    "unscaled pixels": Fault(
        ("unscaled inputs",),
        lambda s: builders.mlp(s, 2, "relu", **HE)._replace(x=builders.pixels(s)),
    ),
    "scaled twice": Fault(
        ("unscaled inputs",),
        lambda s: builders.mlp(s, 2, "relu", **HE)._replace(x=builders.pixels(s) / 255**2),
    ),
    "missing softmax": Fault(
        ("wrong head or loss",), lambda s: builders.mlp(s, 2, "relu", head=None, **HE)
    ),
    "missing sigmoid": Fault(
        ("wrong head or loss",), lambda s: builders.two_classes(s, None, "binary_crossentropy")
    ),
    "softmax twice": Fault(
        ("wrong head or loss",),
        lambda s: builders.compiled(
            s,
            lambda: [layers.Dense(builders.width(s), "relu"), *builders.top("softmax")],
            *builders.digits(s),
            loss=TWICE,
        ),
    ),
    "labels -1 and 1": Fault(
        ("wrong head or loss",),
        lambda s: builders.two_classes(s, "sigmoid", "binary_crossentropy", labels=(-1, 1)),
    ),
    "wrong loss": Fault(
        ("wrong head or loss",),
        lambda s: builders.regression(s, "sigmoid", loss="binary_crossentropy"),
    ),
    "relu head for negative targets": Fault(
        ("wrong head or loss",), lambda s: builders.regression(s, "relu")
    ),
    "frozen layer": Fault(("frozen",), builders.frozen),
    "post-norm, 24 blocks": Fault(
        ("rank collapse",), lambda s: builders.transformer(s, 24, pre_norm=False)
    ),
    "learning rate 10": Fault(("update ratio off",), lambda s: builders.with_rate(s, 10.0)),
    "learning rate 1e-8": Fault(("update ratio off",), lambda s: builders.with_rate(s, 1e-8)),
    "converged": Fault(("converged",), builders.converged),
    "linear bottleneck": Fault(("no activation",), builders.bottleneck),
    "NaN data": Fault(("NaN",), builders.with_gaps),
    "logarithm": Fault(("NaN",), builders.logarithm),
    "diverged": Fault(("NaN",), builders.diverged),
    "shared initializer": Fault(("identical kernels",), lambda s: builders.shared(s, "mlp")),
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
    "normalised convolutions": builders.normalized_cnn,
    "LSTM over 10 steps": lambda s: builders.recurrent(s, layers.LSTM, 8),
    "pre-norm, 2 blocks": lambda s: builders.transformer(s, 2, pre_norm=True),
    "residual blocks": builders.residual,
    "autoencoder": builders.autoencoder,
    "words": builders.words,
    "regression": lambda s: builders.regression(s, None, optimizer=keras.optimizers.SGD(0.01)),
}
