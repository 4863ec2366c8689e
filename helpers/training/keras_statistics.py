"""The statistics of a recording in TensorFlow, for the loop that trains a Keras model."""

import tensorflow as tf

from helpers.measure import SATURATED

OF_KERNEL = (
    "gradient_mean",
    "gradient_std",
    "gradient_norm",
    "weight_mean",
    "weight_std",
    "update_ratio",
)
OF_SIGNALS = ("delta_norm", "activation_mean", "activation_std", "saturation", "dead")
BY_LAYER = (*OF_KERNEL, *OF_SIGNALS)


def _sums(*values):
    """Sum each over the last two axes, in float64.

    In two stages, since XLA adds along the last axis one number at a time, along the others many
    (and without the stack between them it would make one stage of the two).
    """
    columns = [tf.reduce_sum(tf.cast(value, tf.float64), axis=-2) for value in values]
    return tf.unstack(tf.reduce_sum(tf.stack(columns), axis=-1))


def _moments(values, count):
    """Mean, standard deviation and sum of squares over the last two axes, in float64.

    There the square of the smallest float32 is still a number, and a mean of squares minus a
    squared mean is exact enough.
    """
    total, squares = _sums(values, tf.cast(values, tf.float64) ** 2)
    mean = total / count
    return mean, tf.sqrt(tf.maximum(squares / count - mean**2, 0)), squares


def kernel_statistics(gradient, kernel, change, count):
    """Find the statistics OF_KERNEL of arrays (rows, replicates, fan_in, fan_out).

    `count` is how many entries aren't 0 for want of a unit.
    """
    count = tf.cast(count, tf.float64)
    mean, std, squares = _moments(gradient, count)
    weight_mean, weight_std, _ = _moments(kernel, count)
    # of the update itself: a learning rate of 0.001 means nothing without the weights' size
    ratio = _moments(change, count)[1] / weight_std
    table = [mean, std, tf.sqrt(squares), weight_mean, weight_std, ratio]
    return tf.cast(tf.stack(table), gradient.dtype)


def signal_statistics(a, slope, delta, largest, examples):
    """Find the others of BY_LAYER, of arrays (rows, replicates, units, places).

    Places are examples, times the pixels or time steps of each.
    """
    places = a.shape[-1]
    units = tf.cast(a.shape[-2], tf.float64)
    mean, std, _ = _moments(a, units * places)
    delta_norm = tf.sqrt(_moments(delta, units)[2] / examples)
    saturated = tf.abs(slope) < tf.cast(SATURATED * largest, slope.dtype)
    # where numbers stopped being numbers nothing is saturated, and nothing is dead: NaN
    num_saturated, unknown = _sums(saturated, 0 * slope)
    # exactly 0 for every example: a small slope still lets something through
    dead = tf.reduce_all(slope == 0, axis=-1)
    shares = [
        num_saturated / (units * places) + unknown,
        tf.reduce_sum(tf.cast(dead, tf.float64), axis=-1) / units + unknown,
    ]
    return tf.cast(tf.stack([delta_norm, mean, std, *shares]), a.dtype)
