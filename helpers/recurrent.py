"""Recurrent cells as initialised, and what a loss at the last step says to the steps before it.

NumPy alone. The cells are those of Keras: ``SimpleRNN`` (tanh), ``LSTM``, and ``GRU`` with
``reset_after``. From the state before, h' (and c'), and the input x:

simple_rnn
    h = tanh(x W + h' U + b)
lstm (Hochreiter & Schmidhuber 1997, with a forget gate)
    c = f c' + i tanh(x W + h' U + b), h = o tanh(c)
gru (Cho et al. 2014)
    h = z h' + (1 - z) tanh(x W + b + r (h' U + b'))

where the gates i, f, o, z, r are sigmoids of x W + h' U + b with columns of their own. A kernel
holds them side by side, in Keras's order: i, f, tanh, o; and z, r, tanh.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import expit

from helpers.catalogue import INITIALIZERS
from helpers.checks import Named, finite_number, whole_number


class Weights(NamedTuple):
    """Weights of many replicates of a cell, float64, behind the first axis in Keras's shapes.

    kernel (num_replicates, num_inputs, n), recurrent_kernel (num_replicates, units, n) and bias
    (num_replicates, n), for "gru" (num_replicates, 2, n); n is 1, 4 or 3 times units.
    """

    kernel: np.ndarray
    recurrent_kernel: np.ndarray
    bias: np.ndarray


class States(NamedTuple):
    """h of every step, or dL/dh; and c, or dL/dc, of the LSTM: (num_replicates, steps, units)."""

    state: np.ndarray
    cell: np.ndarray | None


def weights(
    cell: str,
    *,
    units: int = 16,
    num_inputs: int = 1,
    forget_bias: float = 1.0,
    recurrent_scale: float = 1.0,
    num_replicates: int = 10,
    seed: int = 0,
) -> Weights:
    """Draw weights as Keras's defaults do, from the catalogue's sampler.

    Glorot's for the inputs, orthogonal ones from state to state, biases 0, but for the forget gate.

    Parameters
    ----------
    cell : {"simple_rnn", "lstm", "gru"}
    forget_bias : float
        The LSTM's; 1 is Keras's ``unit_forget_bias``.
    recurrent_scale : float
        Multiplies the recurrent kernel; 1 leaves its rows orthonormal.

    Raises
    ------
    ValueError
        For an unknown cell, a size below 1, a bias that isn't finite, or a scale below 0.
    """
    gates = CELLS[cell].gates
    units, num_inputs = whole_number("units", units), whole_number("num_inputs", num_inputs)
    num_replicates = whole_number("num_replicates", num_replicates)
    scale = finite_number("recurrent_scale", recurrent_scale, low=0)
    bias = np.zeros((num_replicates, *[2] * (cell == "gru"), gates * units))
    if cell == "lstm":
        bias[:, units : 2 * units] = finite_number("forget_bias", forget_bias)
    shape = {"seed": seed, "num_replicates": num_replicates}
    kernel = _draw("glorot_uniform", num_inputs, gates * units, layer=1, **shape)
    recurrent_kernel = _draw("orthogonal", units, gates * units, layer=2, **shape)
    return Weights(kernel, scale * recurrent_kernel, bias)


def states(cell: str, weights: Weights, inputs: np.ndarray) -> States:
    """Run a cell over sequences, from the state 0.

    Parameters
    ----------
    inputs : array, shape (num_sequences, steps, num_inputs)
        One for each replicate; or one for all; or, if there is one replicate, many for that one.
    """
    walked = CELLS[cell].walk(weights, _fed(cell, weights, inputs))
    return States(_by_replicate(walked.state), _by_replicate(walked.cell))


def gradients(cell: str, weights: Weights, inputs: np.ndarray, last: np.ndarray) -> States:
    """Go back through time: dL/dh_t and dL/dc_t of every step, every way to the loss counted.

    Parameters
    ----------
    inputs : array
        As in `states`.
    last : array, shape (num_replicates, units)
        dL/dh of the last step.
    """
    return _back(CELLS[cell].walk(weights, _fed(cell, weights, inputs)), weights, last)


def _back(walked, weights, last):
    into_state = np.empty(walked.state.shape)
    into_cell = None if walked.cell is None else np.empty(walked.state.shape)
    delta_h, delta_c, kept = last, 0.0, 0.0
    for t in reversed(range(len(into_state))):
        into_state[t] = delta_h
        sources = delta_h[:, None]
        if into_cell is not None:
            into_cell[t] = delta_c = delta_c + delta_h * walked.to_cell[t]
            sources = np.stack([delta_c, delta_c, delta_c, delta_h], axis=1)
            delta_c = delta_c * walked.kept[t]
        else:
            kept = delta_h * walked.kept[t]
        delta_z = (walked.slopes[t] * sources).reshape(len(delta_h), -1, 1)
        delta_h = (weights.recurrent_kernel @ delta_z)[..., 0] + kept
    return States(_by_replicate(into_state), _by_replicate(into_cell))


def profile(
    cell: str,
    *,
    steps: int = 100,
    units: int = 16,
    forget_bias: float = 1.0,
    recurrent_scale: float = 1.0,
    inputs: np.ndarray | None = None,
    num_replicates: int = 10,
    seed: int = 0,
) -> xr.Dataset:
    """Measure cells as initialised: dims replicate, time (1 to `steps`).

    The loss is a random direction of the last state, so that ||dL/dh|| is 1 there.

    Parameters
    ----------
    steps : int
        Length of the sequence.
    inputs : array, shape (steps,) or (steps, num_inputs), optional
        A sequence for all; left out, each replicate reads one input a step from N(0, 1).
    The others as in `weights`.

    Returns
    -------
    xr.Dataset
        delta_h, delta_c (NaN but for "lstm"): the norms of dL/dh_t and dL/dc_t; state_std: the root
        mean square over the units of h_t.

    Raises
    ------
    ValueError
        As `weights`, or for inputs of another length.
    """
    steps = whole_number("steps", steps)
    if inputs is None:
        many = {"seed": seed, "num_replicates": whole_number("num_replicates", num_replicates)}
        sequences = _draw("standard_normal", steps, 1, layer=3, **many)
    else:
        sequences = np.asarray(inputs, np.float64).reshape(1, len(inputs), -1)
        if sequences.shape[1] != steps or not np.isfinite(sequences).all():
            raise ValueError(
                f"inputs must be finite, of shape ({steps},) or ({steps}, num_inputs); "
                f"got {np.shape(inputs)}."
            )
    drawn = weights(
        cell, units=units, num_inputs=sequences.shape[2], forget_bias=forget_bias,
        recurrent_scale=recurrent_scale, num_replicates=num_replicates, seed=seed,
    )  # fmt: skip
    last = _draw("standard_normal", units, 1, layer=0, num_replicates=num_replicates, seed=seed)
    last = last[..., 0] / np.linalg.norm(last, axis=1)
    walked = CELLS[cell].walk(drawn, _fed(cell, drawn, sequences))
    found, reached = _back(walked, drawn, last), _by_replicate(walked.state)
    lost = np.full(reached.shape[:2], np.nan)
    return xr.Dataset(
        {
            "delta_h": (DIMS, np.linalg.norm(found.state, axis=2),
                        {"long_name": "norm of dL/dh", "units": "loss per unit of h"}),
            "delta_c": (DIMS, lost if found.cell is None else np.linalg.norm(found.cell, axis=2),
                        {"long_name": "norm of dL/dc", "units": "loss per unit of c"}),
            "state_std": (DIMS, np.sqrt(np.mean(reached**2, axis=2)),
                          {"long_name": "root mean square of h", "units": "1"}),
        },
        coords={"replicate": range(num_replicates), "time": range(1, steps + 1)},
        attrs={"cell": cell, "units": units, "steps": steps, "forget_bias": float(forget_bias),
               "recurrent_scale": float(recurrent_scale), "seed": seed},
    )  # fmt: skip


DIMS = ("replicate", "time")


def carried(steps: int, forget_bias: float = 1.0) -> np.ndarray:
    """Say what the forget gate alone leaves of dL/dc, sigma(b)^(steps - t), shape (steps,).

    Exact where the gate sees its bias b alone. Elsewhere the gates move, and h carries some, too.
    """
    bias = finite_number("forget_bias", forget_bias)
    return expit(bias) ** np.arange(whole_number("steps", steps))[::-1]


# ---- the cells: arrays (steps, num_replicates, units), so that one step is one piece -------------


class _Walked(NamedTuple):
    """A run, and the local derivatives that the way back needs.

    kept: of the state (the LSTM's: of c) with respect to itself one step earlier, directly.
    slopes: (steps, num_replicates, gates, units), of the state (the LSTM's o: of h, else of c) with
    respect to each of the products h' U. to_cell: of h with respect to c.
    """

    state: np.ndarray
    kept: np.ndarray
    slopes: np.ndarray
    cell: np.ndarray | None = None
    to_cell: np.ndarray | None = None


def _simple_rnn(weights, fed):
    state, _ = _room(weights, fed)
    h = np.zeros_like(state[0])
    for t, from_input in enumerate(fed[:, :, 0]):
        state[t] = h = np.tanh(from_input + (h[:, None] @ weights.recurrent_kernel)[:, 0])
    return _Walked(state, np.zeros(len(fed)), (1 - state**2)[:, :, None])


def _lstm(weights, fed):
    state, gates = _room(weights, fed)
    cell = np.empty_like(state)
    h, c = np.zeros_like(state[0]), np.zeros_like(state[0])
    for t, from_input in enumerate(fed):
        z = from_input + (h[:, None] @ weights.recurrent_kernel).reshape(from_input.shape)
        gate = gates[t]
        expit(z, out=gate)
        gate[:, 2] = np.tanh(z[:, 2])
        cell[t] = c = gate[:, 1] * c + gate[:, 0] * gate[:, 2]
        state[t] = h = gate[:, 3] * np.tanh(c)
    i, f, g, o = np.moveaxis(gates, 2, 0)
    before, squashed = _before(cell), np.tanh(cell)
    slopes = [g * i * (1 - i), before * f * (1 - f), i * (1 - g**2), squashed * o * (1 - o)]
    return _Walked(state, f, np.stack(slopes, axis=2), cell, o * (1 - squashed**2))


def _gru(weights, fed):
    state, gates = _room(weights, fed)
    products = np.empty_like(state)
    h = np.zeros_like(state[0])
    own = weights.bias[:, 1].reshape(-1, *gates.shape[2:])
    for t, from_input in enumerate(fed):
        product = (h[:, None] @ weights.recurrent_kernel).reshape(gates[t].shape) + own
        gate = gates[t]
        expit(from_input[:, :2] + product[:, :2], out=gate[:, :2])
        products[t] = product[:, 2]
        gate[:, 2] = np.tanh(from_input[:, 2] + gate[:, 1] * product[:, 2])
        state[t] = h = gate[:, 0] * h + (1 - gate[:, 0]) * gate[:, 2]
    z, r, g = np.moveaxis(gates, 2, 0)
    new = (1 - z) * (1 - g**2)
    slopes = [(_before(state) - g) * z * (1 - z), new * products * r * (1 - r), new * r]
    return _Walked(state, z, np.stack(slopes, axis=2))


def _fed(cell, weights, inputs):
    """Compute x W + b of every step: (steps, num_replicates, gates, units)."""
    gates = CELLS[cell].gates
    bias = weights.bias[:, 0] if cell == "gru" else weights.bias
    fed = np.moveaxis(inputs @ weights.kernel + bias[:, None], 1, 0)
    return np.ascontiguousarray(fed).reshape(*fed.shape[:2], gates, -1)


def _room(weights, fed):
    """Room for the states and the gates of every step."""
    return np.empty((*fed.shape[:2], fed.shape[3])), np.empty(fed.shape)


def _before(states):
    """Shift the states by one step: those before each."""
    return np.concatenate([np.zeros_like(states[:1]), states[:-1]])


def _by_replicate(array):
    return None if array is None else np.swapaxes(array, 0, 1)


def _draw(name, fan_in, fan_out, *, layer, num_replicates, seed):
    sample = INITIALIZERS[name].sample
    return np.stack(
        [
            sample(fan_in, fan_out, seed=seed, replicate=r, layer=layer)
            for r in range(num_replicates)
        ]
    ).astype(np.float64)


class Cell(NamedTuple):
    """A kind of cell: how many pieces its kernels have, and how it runs."""

    gates: int
    walk: Callable


CELLS = Named(
    "cell", {"simple_rnn": Cell(1, _simple_rnn), "lstm": Cell(4, _lstm), "gru": Cell(3, _gru)}
)
