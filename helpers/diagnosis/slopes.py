"""What an activation does to single numbers: which entries it mixes, how steep it can be."""

import functools
import inspect

import keras
import numpy as np
import tensorflow as tf

from helpers.catalogue import SATURATED
from helpers.catalogue.activations import SLOPE_GRID
from helpers.measure import OUTPUT_SLOPE

PROBES = 64  # examples for which a function is tried: enough for one with a kink and one unit
COARSE = 40  # every so many points of the grid where each unit may have a slope of its own


def at_rest(operation):
    """Return the function of a tensor that an operation is outside training."""
    takes_training = getattr(operation, "_call_has_training_arg", False)
    return (lambda z: operation(z, training=False)) if takes_training else operation


def plain(operation):
    """Return the function that an ``Activation`` applies; any other operation as it is."""
    return operation.activation if isinstance(operation, keras.layers.Activation) else operation


def is_elementwise(operation, z) -> bool:
    """Whether an entry of the result depends on the same entry of z alone: changes are tried."""
    function = plain(operation)
    # a function without weights is what it is in every layer: a deep network asks only once
    if inspect.isfunction(function):
        return _function_is_elementwise(function, len(z.shape), z.dtype)
    return _tried(at_rest(operation), z.shape[1:], z.dtype)


@functools.lru_cache(64)
def _function_is_elementwise(function, rank, dtype):
    return _tried(function, (3,) * (rank - 1), dtype)


def _tried(function, shape, dtype):
    """Change half of the entries, and see whether the results of the others stay."""
    rng = np.random.default_rng(0)
    shape = (PROBES, *shape)
    start = tf.cast(rng.normal(size=shape), dtype)
    changed = rng.random(size=shape) < 0.5
    moved = tf.where(changed, start + tf.cast(rng.normal(size=shape), dtype), start)
    try:
        before = np.asarray(function(start))
        after = np.asarray(function(moved))
    except (ValueError, tf.errors.OpError):
        return False  # it takes batches of one size only, or several tensors
    return before.shape == shape and np.array_equal(before[~changed], after[~changed])


def is_linear(operation, z) -> bool:
    """Whether a function of single numbers is a straight line: the middle of two points is tried.

    Between -3 and 3, where every activation bends.
    """
    function = at_rest(operation)
    ends = np.random.default_rng(1).uniform(-3, 3, size=(2, PROBES, *z.shape[1:]))
    values = [np.asarray(function(tf.cast(end, z.dtype)), float) for end in (*ends, ends.mean(0))]
    middle = (values[0] + values[1]) / 2
    return np.allclose(values[2], middle, rtol=1e-2, atol=1e-3 * np.abs(middle).max())


def largest_slope(phi, units: int = 1, dtype="float32") -> float:
    """Measure the largest |phi'(z)| on SLOPE_GRID, of a Keras activation for `units` units."""
    return float(np.nanmax(_slopes(phi, SLOPE_GRID, (units,), dtype)))


def steepness(name: str, operation, z) -> tuple[float, bool]:
    """Measure phi's largest |slope|, and whether it is flat at both ends, as a sigmoid is."""
    if name == "softmax":
        return OUTPUT_SLOPE, True
    function = plain(operation)
    if inspect.isfunction(function):
        return _function_steepness(function, z.dtype)
    # a layer with weights, such as PReLU, takes z's own shape, and each unit has its slope
    has_weights = bool(getattr(operation, "weights", ()))
    grid = SLOPE_GRID[::COARSE] if has_weights else SLOPE_GRID
    shape = z.shape[1:] if has_weights else (1,)
    return _steepness(_slopes(at_rest(operation), grid, shape, z.dtype))


@functools.lru_cache(64)
def _function_steepness(function, dtype):
    return _steepness(_slopes(function, SLOPE_GRID, (1,), dtype))


def _steepness(slopes):
    largest = float(np.nanmax(slopes))
    flat = slopes < SATURATED * largest
    return largest, bool(flat[0].all() and flat[-1].all())


def _slopes(phi, grid, shape, dtype):
    """Compute |phi'| on a grid, for all units alike: (len(grid), units)."""
    points = np.broadcast_to(grid.reshape(-1, *[1] * len(shape)), (len(grid), *shape))
    z = tf.cast(points, dtype)
    with tf.GradientTape() as tape:
        tape.watch(z)
        a = phi(z)
    return np.abs(np.asarray(tape.gradient(a, z), np.float64)).reshape(len(grid), -1)


def name_of(operation) -> str:
    """Name an activation, or what else an operation does, in lower case."""
    inner = operation
    if isinstance(operation, keras.layers.Activation):
        inner = operation.activation
    return str(getattr(inner, "__name__", type(inner).__name__)).lower()
