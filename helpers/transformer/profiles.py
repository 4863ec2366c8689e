"""Many stacks as initialised: what each block does to the tokens, and to the gradient."""

import numpy as np
import xarray as xr

from helpers.checks import affordable, whole_number
from helpers.measure import one_blas_thread
from helpers.transformer.stack import (
    DIRECTION,
    INPUTS,
    Transformer,
    backward,
    check_stack,
    draw,
    float_type,
    forward,
    weights,
)

DIMS = ("replicate", "block")
# What `profile` measures: name -> long name and units.
VARIABLES = {
    "delta_rms": ("RMS of dL/dx before the block", "loss per unit of x"),
    "stream_rms": ("RMS of x after the block", "1"),
    "correlation": ("mean cosine between tokens after the block", "1"),
    "attention_gradient": ("gradient norm of query and key", "loss per unit of weight"),
    "value_gradient": ("gradient norm of value and output", "loss per unit of weight"),
    "mlp_gradient": ("gradient norm of up and down", "loss per unit of weight"),
}
# Each of these is the Frobenius norm over its kernels together.
GROUPS = {
    "attention_gradient": ("query", "key"),
    "value_gradient": ("value", "output"),
    "mlp_gradient": ("up", "down"),
}


def profile(
    stack: Transformer,
    *,
    tokens: int = 16,
    initializer: str = "glorot_uniform",
    num_replicates: int = 5,
    seed: int = 0,
    dtype=np.float64,
) -> xr.Dataset:
    """Measure stacks as initialised, one sequence each: dims replicate, block (1 to depth).

    The tokens are drawn from N(0, 1), so that they are nearly uncorrelated. The loss is a random
    direction of each output token, again from N(0, 1): it asks something else of every token.

    Parameters
    ----------
    tokens : int
        Length of the sequence, 2 or more.
    initializer : str
        Of the catalogue, for every kernel.
    dtype : float64 or float32

    Returns
    -------
    xr.Dataset
        What `VARIABLES` lists. A gradient of kernels that the stack doesn't have is NaN.

    Raises
    ------
    ValueError
        For an unknown initializer, or a size too small.
    """
    tokens = whole_number("tokens", tokens, low=2)
    check_stack(stack)
    num_replicates = whole_number("num_replicates", num_replicates)
    draws = {"num_replicates": num_replicates, "seed": seed}
    dtype = float_type(dtype)
    # every branch keeps a dozen arrays of the tokens, and the shares of every pair of tokens
    per_token = 12 * stack.width + 4 * stack.hidden + 3 * stack.heads * tokens
    affordable("So many tokens", 2 * stack.depth * tokens * per_token * num_replicates)
    # a stack that explodes is a result, not a warning
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        kernels = weights(stack, initializer=initializer, dtype=dtype, **draws)
        x, direction = (
            draw("standard_normal", tokens, stack.width, layer=layer, **draws)[:, None]
            for layer in (INPUTS, DIRECTION)
        )
        run = forward(stack, kernels, x.astype(dtype))
        deltas, gradients = backward(stack, kernels, run, direction.astype(dtype))
        columns = {
            "delta_rms": _by_block(deltas[:-1], rms),
            "stream_rms": _by_block(run.stream[1:], rms),
            "correlation": _by_block(run.stream[1:], correlation),
        }
        # as a default argument: a closure would take the last group for all
        for name, group in GROUPS.items():
            columns[name] = _by_block(gradients, lambda found, group=group: _norm(found, group))
    return _table(columns, stack, {"tokens": tokens, "initializer": initializer, "seed": seed})


def rms(x: np.ndarray) -> np.ndarray:
    """Root mean square of each replicate: of (replicates, sequences, tokens, width)."""
    # added up in float64, as a sum of many float32 loses digits
    return np.sqrt(np.mean(np.square(x, dtype=np.float64), axis=(1, 2, 3)))


def correlation(x: np.ndarray) -> np.ndarray:
    """Mean cosine between two tokens of a sequence, of each replicate.

    1 where all tokens point the same way, 0 where they are as different as chance.
    """
    directions = x / np.linalg.norm(x, axis=3, keepdims=True)
    tokens = x.shape[2]
    # the square of the sum holds every pair twice, and each token with itself
    squares = np.sum(directions.sum(axis=2) ** 2, axis=2)
    return np.mean((squares - tokens) / (tokens * (tokens - 1)), axis=1)


def differences(x: np.ndarray) -> np.ndarray:
    """Size of what tells the tokens apart: RMS of x less the mean token, over the RMS of x.

    Unlike 1 - `correlation` it keeps its digits where the tokens are nearly equal.
    """
    return rms(x - x.mean(axis=2, keepdims=True)) / rms(x)


def _norm(found, group):
    """Frobenius norm of the gradients of some kernels together; NaN where there are none."""
    squares = [np.sum(np.square(found[name]), axis=(1, 2)) for name in group if name in found]
    return np.sqrt(sum(squares)) if squares else np.nan


def _by_block(things, measure):
    return [measure(thing) for thing in things]


def _table(columns, stack, attrs):
    """Label the columns, each a list over the blocks of arrays (replicates,) or of NaN."""
    replicates = len(columns["stream_rms"][0])
    variables = {}
    for name, (long_name, units) in VARIABLES.items():
        values = np.empty((replicates, stack.depth))
        for block, value in enumerate(columns[name]):
            values[:, block] = value
        variables[name] = (DIMS, values, {"long_name": long_name, "units": units})
    coords = {"replicate": range(replicates), "block": range(1, stack.depth + 1)}
    # netCDF keeps no True and False
    plain = {k: int(v) if isinstance(v, bool) else v for k, v in vars(stack).items()}
    return xr.Dataset(variables, coords, plain | attrs)
