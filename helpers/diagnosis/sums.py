"""Sums over a batch, from which the statistics are computed: one dict of small tensors a kernel.

They add up over batches, so that memory holds one batch at a time. All in float64, where the square
of the smallest float32 is still a number.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from helpers.catalogue import SATURATED

ENDS_OF_TIME = 0.1  # share of a sequence's steps that are its first, and its last
MAXIMA = ("steepest",)  # of the entries below these are no sums: the largest counts


def _double(tensor):
    return tf.cast(tensor, tf.float64)


def of_signals(part, signals, deltas, num_examples):
    """Sum up (z, slope, a) and n dL/dz of one kernel's calls, for a batch of n examples."""
    sums = {}
    for (z, slope, a), delta in zip(signals, deltas, strict=True):
        a = _double(a)
        found = {
            "delta_squares": tf.reduce_sum(_double(delta) ** 2),
            "a_sum": tf.reduce_sum(a),
            "a_squares": tf.reduce_sum(a**2),
            "a_count": _double(tf.size(a)),
            "zeros": tf.reduce_sum(_double(a == 0)),
            "z_squares": tf.reduce_sum(_double(z) ** 2),
        }
        if len(a.shape) == 3:
            found |= _of_tokens(a)
        if slope is not None:
            found |= _of_slope(slope, part.largest)
        sums = added(sums, found)
    sums["examples"] = _double(num_examples)
    if part.reason:
        # one of several calls may have a slope all the same
        sums = {name: value for name, value in sums.items() if name not in OF_SLOPE}
    return sums


def _of_tokens(a):
    """Sum up how alike the places of one example are: correlations over the units, by pairs."""
    centred = a - tf.reduce_mean(a, axis=-1, keepdims=True)
    length = tf.norm(centred, axis=-1, keepdims=True)
    # a place whose units are all equal has no direction, and is like no other
    directions = tf.math.divide_no_nan(centred, length)
    tokens = _double(tf.shape(a)[1])
    # the squared length of a sum holds every pair twice, and each token with itself once
    pairs = tf.reduce_sum(tf.reduce_sum(directions, axis=1) ** 2, axis=-1) - tokens
    return {
        "alike": tf.reduce_sum(pairs),
        "pairs": _double(tf.shape(a)[0]) * tokens * (tokens - 1),
    }


OF_SLOPE = ("saturated", "slope_count", "steepest")


def _of_slope(slope, largest):
    """Sum up |phi'|; "steepest" is the largest of each unit, over everything else."""
    slope = tf.abs(_double(slope))
    flat = tf.reshape(slope, (-1, slope.shape[-1]))
    # a NaN is below nothing: it has to be carried through
    unknown = 0 * tf.reduce_sum(slope)
    return {
        "saturated": tf.reduce_sum(_double(slope < SATURATED * largest)) + unknown,
        "slope_count": _double(tf.size(slope)),
        "steepest": tf.reduce_max(flat, axis=0) + unknown,
    }


def of_inputs(inputs, gradients, masks, *, backwards=False):
    """Sum up what goes into a layer; of a recurrent one the gradient at both ends of time, too.

    `backwards` says that the layer reads a sequence from its end.
    """
    sums = {}
    for tensor, gradient, mask in zip(inputs, gradients, masks, strict=True):
        found = {
            "input_squares": tf.reduce_sum(_double(tensor) ** 2),
            "input_count": _double(tf.size(tensor)),
        }
        if gradient is not None:
            ends = _ends_of_time(_double(gradient), mask)
            names = ("last_steps", "first_steps") if backwards else ("first_steps", "last_steps")
            found |= dict(zip(names, ends, strict=True))
        sums = added(sums, found)
    return sums


def _ends_of_time(gradient, mask):
    """Sum the squares of (example, time step, feature) at the first and the last time steps.

    Of each example's own: filling, which a mask leaves out, has no gradient, and says nothing.
    """
    squares = tf.reduce_sum(gradient**2, axis=-1)
    counts = tf.ones_like(squares) if mask is None else _double(mask)
    place = tf.cumsum(counts, axis=1)
    length = tf.reduce_sum(counts, axis=1, keepdims=True)
    # one step at least, however short the sequence
    some = tf.maximum(tf.ones_like(length), tf.floor(length * ENDS_OF_TIME))
    first = squares * counts * _double(place <= some)
    last = squares * counts * _double(place > length - some)
    return tf.reduce_sum(first), tf.reduce_sum(last)


def of_gradient(gradient, weight):
    """Sum up a kernel's gradient, and the kernel itself."""
    gradient = _double(gradient)
    weight = _double(weight)
    mean = tf.reduce_mean(gradient)
    return {
        "gradient_norm": tf.norm(gradient),
        "gradient_mean": mean,
        # the mean is taken off first: E[v^2] - E[v]^2 cancels where a mean is large
        "gradient_std": tf.sqrt(tf.reduce_mean((gradient - mean) ** 2)),
        "weight_norm": tf.norm(weight),
        "weight_mean": tf.reduce_mean(weight),
        "weight_std": tf.math.reduce_std(weight),
    }


def added(old: dict, new: dict) -> dict:
    """Add the sums of two batches."""
    both = old.keys() & new.keys()
    joined = {
        name: tf.maximum(old[name], new[name]) if name in MAXIMA else old[name] + new[name]
        for name in both
    }
    return {**old, **new, **joined}


def statistics(sums: dict) -> dict[str, float]:
    """Turn the sums of one kernel into numbers; NaN for what isn't known."""
    sums = {name: np.asarray(value, np.float64) for name, value in sums.items()}
    found = {
        "delta_norm": _root(_ratio(sums, "delta_squares", "examples")),
        "activation_mean": _ratio(sums, "a_sum", "a_count"),
        "zero_share": _ratio(sums, "zeros", "a_count"),
        "saturation": _ratio(sums, "saturated", "slope_count"),
        "input_rms": _root(_ratio(sums, "input_squares", "input_count")),
        "pre_activation_rms": _root(_ratio(sums, "z_squares", "a_count")),
        "tokens_alike": _ratio(sums, "alike", "pairs"),
        "time_ratio": _root(_ratio(sums, "first_steps", "last_steps")),
    }
    # rounding may carry it below 0
    mean_square = _ratio(sums, "a_squares", "a_count")
    found["activation_std"] = _root(max(mean_square - found["activation_mean"] ** 2, 0.0))
    steepest = sums.get("steepest", np.array([np.nan]))
    # exactly 0 for every example: a slope that is merely tiny still passes a gradient
    dead = (steepest == 0).mean()
    found["dead"] = float("nan") if np.isnan(steepest).any() else float(dead)
    return found


def _ratio(sums, above, below):
    if above not in sums or below not in sums:
        return float("nan")
    if sums[below] == 0:
        # nothing at either end of time is no ratio; something at one end is infinitely more
        return float("nan") if sums[above] == 0 else float("inf")
    return float(sums[above] / sums[below])


def _root(value):
    return math.sqrt(value) if value >= 0 else float("nan")


def is_recurrent(part) -> bool:
    """Whether a part's layer goes through a sequence step by step, and so has ends of time."""
    return isinstance(part.operation, keras.layers.RNN)
