"""Whether a model's output, its loss and the labels belong together."""

import keras
import numpy as np

from helpers.diagnosis.losses import CROSS_ENTROPIES, REGRESSIONS

PROBABILITIES = ("sigmoid", "hard_sigmoid", "softmax", "sparsemax")
# what a head can reach; all others reach every number
RANGES = {
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "softmax": (0, 1),
    "tanh": (-1, 1),
    "softsign": (-1, 1),
    "relu": (0, np.inf),
    "softplus": (0, np.inf),
}
MARGIN = 1e-6  # by which rounding may carry a target beyond a range
LABEL_SUM = 1e-3  # how far the sum of one example's class shares may be from 1


def mismatch(heads, kinds, y) -> str:
    """Say in one sentence what doesn't fit, and what to do; "" if nothing is known to be wrong.

    Parameters
    ----------
    heads : sequence of Head
    kinds : sequence of LossKind, one for all heads or one each
    y : arrays, nested as the model's outputs
    """
    targets = keras.tree.flatten(y)
    # one loss for all outputs, as ``compile`` takes it
    kinds = list(kinds) * (len(heads) if len(kinds) == 1 else 1)
    if len(targets) != len(heads) or len(kinds) != len(heads):
        return ""
    found = (_one(*each) for each in zip(heads, kinds, targets, strict=True))
    return next(filter(None, found), "")


def _one(head, kind, y):
    # of a loss of the learner's own nobody knows what it takes
    if not kind.name:
        return ""
    if head.activation == "softmax" and head.units == 1:
        return "the output is a softmax of one unit, which is always 1: use a sigmoid"
    if kind.name in CROSS_ENTROPIES:
        return _cross_entropy(head, kind) or _labels(head, kind, y)
    return _regression(head, kind, y) if kind.name in REGRESSIONS else ""


def _cross_entropy(head, kind):
    """Compare the head with what a cross-entropy takes."""
    # a binary one takes each unit by itself, the others take the units as classes
    squash = "sigmoid" if kind.name.startswith("binary") else "softmax"
    known = bool(head.activation)
    if known and not kind.from_logits and head.activation not in PROBABILITIES:
        end = "no activation" if head.activation == "linear" else head.activation
        return (
            f"{kind.name} takes probabilities, but the output has {end}: give the last layer "
            f'activation="{squash}", or the loss from_logits=True'
        )
    if kind.from_logits and head.activation in PROBABILITIES:
        return (
            f"{kind.name} with from_logits=True takes logits, but the output has a "
            f"{head.activation} already: remove one of the two"
        )
    if squash == "softmax" and head.activation == "sigmoid":
        return (
            f"{kind.name} takes shares that add up to 1, but the output is a sigmoid of "
            f"{head.units} units: use a softmax"
        )
    if squash == "softmax" and head.units == 1:
        return f"{kind.name} needs an output unit for each class, but there is one: add units"
    return ""


def _labels(head, kind, y):
    """Compare the labels with what a cross-entropy takes."""
    if kind.name.startswith("sparse"):
        whole = np.array_equal(y, np.round(y))
        if not whole or y.min() < 0 or y.max() >= head.units:
            return (
                f"{kind.name} with {head.units} units takes labels 0 to {head.units - 1}, but y "
                f"runs from {y.min():g} to {y.max():g}: number the classes from 0"
            )
        return ""
    width = y.shape[-1] if y.ndim > 1 else 1
    if width != head.units:
        return (
            f"{kind.name} compares {head.units} output units with {width} number"
            f"{'s' * (width > 1)} an example: use sparse_categorical_crossentropy for class "
            "numbers, or keras.utils.to_categorical(y)"
        )
    if y.min() < -MARGIN or y.max() > 1 + MARGIN:
        return (
            f"{kind.name} takes targets from 0 to 1, but y runs from {y.min():g} to {y.max():g}: "
            "for two classes use labels 0 and 1, for numbers to be predicted mean_squared_error"
        )
    if kind.name.startswith("categorical") and np.abs(y.sum(axis=-1) - 1).max() > LABEL_SUM:
        return f"{kind.name} takes shares of classes, but not every row of y adds up to 1"
    return ""


def _regression(head, kind, y):
    """Compare the targets of a regression with what the head can reach."""
    width = y.shape[-1] if y.ndim > 1 else 1
    if width != head.units:
        return (
            f"{kind.name} compares {head.units} output units with {width} number"
            f"{'s' * (width > 1)} an example: it would compare each with all. Give y one column "
            "a unit; for classes use a cross-entropy"
        )
    # a head that is not in the list reaches everything
    low, high = RANGES.get(head.activation, (-np.inf, np.inf))
    if y.min() < low - MARGIN or y.max() > high + MARGIN:
        return (
            f"the output is a {head.activation}, from {low:g} to {high:g}, but the targets run "
            f"from {y.min():g} to {y.max():g}: leave out the last activation, or scale y"
        )
    return ""
