"""Recurrent cells as initialised, and what a loss at the last step says to the steps before it.

NumPy alone. The cells are those of Keras: ``SimpleRNN`` (tanh), ``LSTM``, and ``GRU`` with
``reset_after``. From the state before, h' (and c'), and the input x:

simple_rnn
    h = tanh(x W + h' U + b)
lstm (Hochreiter & Schmidhuber 1997; the forget gate f: Gers, Schmidhuber & Cummins 2000)
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
from helpers.checks import Named, affordable, finite_number, instance, number_array, whole_number

DIMS = ("replicate", "time")
# What `profile` measures: name -> long name and units.
VARIABLES = {
    "delta_h": ("norm of dL/dh", "loss per unit of h"),
    "delta_c": ("norm of dL/dc", "loss per unit of c"),
    "state_std": ("root mean square of h", "1"),
}


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
    units = whole_number("units", units)
    num_inputs = whole_number("num_inputs", num_inputs)
    num_replicates = whole_number("num_replicates", num_replicates)
    scale = finite_number("recurrent_scale", recurrent_scale, low=0)
    forget_bias = finite_number("forget_bias", forget_bias)
    affordable("Cells of this size", 4 * gates * units * (units + num_inputs) * num_replicates)
    # with reset_after the GRU's two products, x W and h U, have a bias each
    biases_per_gate = (2,) if cell == "gru" else ()
    bias = np.zeros((num_replicates, *biases_per_gate, gates * units))
    # the forget gate is the second of i, f, tanh, o
    if cell == "lstm":
        bias[:, units : 2 * units] = forget_bias
    draws = {"seed": seed, "num_replicates": num_replicates}
    # one draw for all gates together, as Keras does: its fan_out counts all columns
    kernel = _draw("glorot_uniform", num_inputs, gates * units, layer=1, **draws)
    recurrent_kernel = _draw("orthogonal", units, gates * units, layer=2, **draws)
    return Weights(kernel, scale * recurrent_kernel, bias)


def states(cell: str, weights: Weights, inputs: np.ndarray) -> States:
    """Run a cell over sequences, from the state 0.

    Parameters
    ----------
    inputs : array, shape (num_sequences, steps, num_inputs)
        One for each replicate; or one for all; or, if there is one replicate, many for that one.
    """
    run = CELLS[cell].run(weights, _input_terms(cell, weights, _checked(cell, weights, inputs)))
    return States(_by_replicate(run.state), _by_replicate(run.cell))


def gradients(cell: str, weights: Weights, inputs: np.ndarray, last: np.ndarray) -> States:
    """Go back through time: dL/dh_t and dL/dc_t of every step, every way to the loss counted.

    Parameters
    ----------
    inputs : array
        As in `states`.
    last : array, shape (num_replicates, units)
        dL/dh of the last step.
    """
    last = number_array("last", last)
    run = CELLS[cell].run(weights, _input_terms(cell, weights, _checked(cell, weights, inputs)))
    if last.shape != run.state.shape[1:]:
        raise ValueError(f"last must have the shape {run.state.shape[1:]}; got {last.shape}.")
    return _backward(run, weights, last)


def _backward(run, weights, last):
    """Go back through one run of a cell, by back-propagation through time (Werbos 1990)."""
    into_state = np.empty(run.state.shape)
    into_cell = None if run.cell is None else np.empty(run.state.shape)
    delta_h = last
    delta_c = 0.0
    direct = 0.0  # what dL/dh hands to the step before it beside the recurrent kernel
    for t in reversed(range(len(into_state))):
        into_state[t] = delta_h
        sources = delta_h[:, None]
        if into_cell is not None:
            # from the step after this one by the forget gate, and from h of this step
            delta_c = delta_c + delta_h * run.cell_slope[t]
            into_cell[t] = delta_c
            # i, f and tanh reach the loss by way of c, o by way of h
            sources = np.stack([delta_c, delta_c, delta_c, delta_h], axis=1)
            delta_c = delta_c * run.kept[t]
        else:
            direct = delta_h * run.kept[t]
        delta_z = (run.slopes[t] * sources).reshape(len(delta_h), -1, 1)
        delta_h = (weights.recurrent_kernel @ delta_z)[..., 0] + direct
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
    num_replicates = whole_number("num_replicates", num_replicates)
    draws = {"seed": whole_number("seed", seed, low=0), "num_replicates": num_replicates}
    affordable("A run of that size", 16 * steps * whole_number("units", units) * num_replicates)
    if inputs is None:
        sequences = _draw("standard_normal", steps, 1, layer=3, **draws)
    else:
        sequences = _one_sequence(inputs, steps)
    drawn = weights(
        cell,
        units=units,
        num_inputs=sequences.shape[2],
        forget_bias=forget_bias,
        recurrent_scale=recurrent_scale,
        **draws,
    )
    # normal draws of length 1 point into every direction alike
    last = _draw("standard_normal", units, 1, layer=0, **draws)
    last = last[..., 0] / np.linalg.norm(last, axis=1)
    run = CELLS[cell].run(drawn, _input_terms(cell, drawn, sequences))
    deltas = _backward(run, drawn, last)
    # floats: a whole number from a slider would make another attribute than 1.0
    attrs = {
        "cell": cell,
        "units": units,
        "steps": steps,
        "forget_bias": float(forget_bias),
        "recurrent_scale": float(recurrent_scale),
        "seed": seed,
    }
    return _table(deltas, _by_replicate(run.state), attrs)


def _one_sequence(inputs, steps):
    """Return a sequence for all replicates, shape (1, steps, num_inputs), checked."""
    sequence = number_array("inputs", inputs, finite=True)
    if sequence.ndim not in (1, 2) or len(sequence) != steps or not sequence.size:
        allowed = f"({steps},) or ({steps}, num_inputs)"
        raise ValueError(f"inputs must be finite, of shape {allowed}; got {sequence.shape}.")
    return sequence.reshape(1, steps, -1)


def _checked(cell, weights, inputs):
    """Return the inputs of `states`, or raise the ``ValueError`` that says what doesn't fit."""
    instance("weights", weights, Weights, "what recurrent.weights returns")
    inputs = number_array("inputs", inputs)
    num_inputs, columns = weights.kernel.shape[1:]
    belong = CELLS[cell].gates * weights.recurrent_kernel.shape[1] == columns
    fit = inputs.ndim == 3 and inputs.size and inputs.shape[2] == num_inputs
    if not belong or not fit or len({1, len(weights.kernel), len(inputs)}) > 2:
        raise ValueError(
            f"weights must be those of a {cell!r}, and inputs of shape (num_sequences, steps, "
            f"{num_inputs}), one for all or one for each of the {len(weights.kernel)} replicates; "
            f"got inputs of shape {inputs.shape}."
        )
    return inputs


def _table(deltas, state, attrs):
    """Label the norms of `deltas` and the size of `state`, (num_replicates, steps, units)."""
    num_replicates, steps, _ = state.shape
    delta_c = np.full((num_replicates, steps), np.nan)  # but for the LSTM there is no c
    if deltas.cell is not None:
        delta_c = np.linalg.norm(deltas.cell, axis=2)
    delta_h = np.linalg.norm(deltas.state, axis=2)
    state_std = np.sqrt(np.mean(state**2, axis=2))
    variables = {
        name: (DIMS, values, {"long_name": long_name, "units": unit})
        for (name, (long_name, unit)), values in zip(
            VARIABLES.items(), (delta_h, delta_c, state_std), strict=True
        )
    }
    coords = {"replicate": range(num_replicates), "time": range(1, steps + 1)}
    return xr.Dataset(variables, coords, attrs)


def carried(steps: int, forget_bias: float = 1.0) -> np.ndarray:
    """Compute what the forget gate alone leaves of dL/dc, sigma(b)^(steps - t), shape (steps,).

    Exact where the gate sees its bias b alone. Elsewhere the gates move, and h carries some, too.
    """
    bias = finite_number("forget_bias", forget_bias)
    affordable("So many steps", 3 * whole_number("steps", steps))
    return expit(bias) ** np.arange(steps)[::-1]


# ---- the cells: arrays (steps, num_replicates, units), so that one step is one piece -------------


class _Run(NamedTuple):
    """A run over a sequence, and the local derivatives that the way back needs.

    kept: of the state (the LSTM's: of c) with respect to itself one step earlier, directly.
    slopes: (steps, num_replicates, gates, units), of the state (the LSTM's o: of h, else of c) with
    respect to each of the products h' U. cell_slope: of h with respect to c.
    """

    state: np.ndarray
    kept: np.ndarray
    slopes: np.ndarray
    cell: np.ndarray | None = None
    cell_slope: np.ndarray | None = None


def _simple_rnn(weights, input_terms):
    state, _ = _empty(input_terms)
    h = np.zeros_like(state[0])
    for t, from_input in enumerate(input_terms[:, :, 0]):
        # an axis more for h, so that each replicate meets its own kernel
        h = np.tanh(from_input + (h[:, None] @ weights.recurrent_kernel)[:, 0])
        state[t] = h
    # tanh' = 1 - tanh^2
    return _Run(state, np.zeros(len(input_terms)), (1 - state**2)[:, :, None])


def _lstm(weights, input_terms):
    state, gates = _empty(input_terms)
    cell = np.empty_like(state)
    h = np.zeros_like(state[0])
    c = np.zeros_like(state[0])
    for t, from_input in enumerate(input_terms):
        z = from_input + (h[:, None] @ weights.recurrent_kernel).reshape(from_input.shape)
        gate = gates[t]
        # all four at once, and the third, which is a tanh, again: quicker than three pieces
        expit(z, out=gate)
        gate[:, 2] = np.tanh(z[:, 2])
        c = gate[:, 1] * c + gate[:, 0] * gate[:, 2]
        cell[t] = c
        h = gate[:, 3] * np.tanh(c)
        state[t] = h
    # after the loop, for all steps at once; each line is a derivative of the equations above
    i, f, g, o = np.moveaxis(gates, 2, 0)
    before = _before(cell)
    squashed = np.tanh(cell)
    slopes = [
        g * i * (1 - i),
        before * f * (1 - f),
        i * (1 - g**2),
        squashed * o * (1 - o),
    ]
    return _Run(state, f, np.stack(slopes, axis=2), cell, o * (1 - squashed**2))


def _gru(weights, input_terms):
    state, gates = _empty(input_terms)
    products = np.empty_like(state)
    h = np.zeros_like(state[0])
    recurrent_bias = weights.bias[:, 1].reshape(-1, *gates.shape[2:])
    for t, from_input in enumerate(input_terms):
        product = (h[:, None] @ weights.recurrent_kernel).reshape(gates[t].shape)
        product += recurrent_bias
        gate = gates[t]
        expit(from_input[:, :2] + product[:, :2], out=gate[:, :2])
        # reset_after: r multiplies the finished product, which its own slope needs later
        products[t] = product[:, 2]
        gate[:, 2] = np.tanh(from_input[:, 2] + gate[:, 1] * product[:, 2])
        h = gate[:, 0] * h + (1 - gate[:, 0]) * gate[:, 2]
        state[t] = h
    z, r, g = np.moveaxis(gates, 2, 0)
    # dh/d(argument of the tanh), which the products for r and for the tanh share
    new = (1 - z) * (1 - g**2)
    slopes = [
        (_before(state) - g) * z * (1 - z),
        new * products * r * (1 - r),
        new * r,
    ]
    return _Run(state, z, np.stack(slopes, axis=2))


def _input_terms(cell, weights, inputs):
    """Compute x W + b of every step: (steps, num_replicates, gates, units)."""
    gates = CELLS[cell].gates
    bias = weights.bias[:, 0] if cell == "gru" else weights.bias
    terms = np.moveaxis(inputs @ weights.kernel + bias[:, None], 1, 0)
    # contiguous: the loops read step by step
    return np.ascontiguousarray(terms).reshape(*terms.shape[:2], gates, -1)


def _empty(input_terms):
    """Return arrays for the states and for the gates of every step, not yet filled."""
    steps, num_replicates, _, units = input_terms.shape
    return np.empty((steps, num_replicates, units)), np.empty(input_terms.shape)


def _before(states):
    """Return the states one step earlier; before the first one all are 0."""
    return np.concatenate([np.zeros_like(states[:1]), states[:-1]])


def _by_replicate(array):
    return None if array is None else np.swapaxes(array, 0, 1)


def _draw(name, fan_in, fan_out, *, layer, num_replicates, seed):
    sample = INITIALIZERS[name].sample
    stream = {"seed": seed, "layer": layer}
    draws = [sample(fan_in, fan_out, replicate=k, **stream) for k in range(num_replicates)]
    # the sampler draws in float32, as Keras stores weights; computing in float64 comes after it
    return np.stack(draws).astype(np.float64)


class Cell(NamedTuple):
    """A recurrent cell: how many gates (blocks of columns) its kernels have, and how it runs."""

    gates: int
    run: Callable


# At the end, as it names the functions above.
CELLS = Named(
    "cell", {"simple_rnn": Cell(1, _simple_rnn), "lstm": Cell(4, _lstm), "gru": Cell(3, _gru)}
)
