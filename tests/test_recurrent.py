"""The cells against Keras: the same states, and what its tape finds; and laws of the gradient."""

import numpy as np
import pytest
from scipy.special import expit

from helpers import recurrent

CELLS = ["simple_rnn", "lstm", "gru"]
STEPS = 12
UNITS = 5
INPUTS = 3
every_cell = pytest.mark.parametrize("cell", CELLS)


def sequences(count, steps=STEPS, num_inputs=INPUTS, seed=1):
    return np.random.default_rng(seed).standard_normal((count, steps, num_inputs))


def keras_cell(cell, drawn, replicate):
    """Keras's cell with the weights of one replicate, biases too, so that all of them count."""
    import keras

    classes = {
        "simple_rnn": keras.layers.SimpleRNNCell,
        "lstm": keras.layers.LSTMCell,
        "gru": keras.layers.GRUCell,
    }
    layer = classes[cell](UNITS, dtype="float64")
    layer.build((None, INPUTS))
    layer.set_weights([part[replicate] for part in drawn])
    return layer


@every_cell
@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_states_and_gradients_are_keras_s(cell, scale):
    import tensorflow as tf

    drawn = recurrent.weights(
        cell, units=UNITS, num_inputs=INPUTS, recurrent_scale=scale, num_replicates=3
    )
    rng = np.random.default_rng(0)
    drawn = drawn._replace(bias=drawn.bias + rng.standard_normal(drawn.bias.shape))
    inputs = sequences(3)
    last = rng.standard_normal((3, UNITS))
    ours = recurrent.states(cell, drawn, inputs)
    back = recurrent.gradients(cell, drawn, inputs, last)
    for replicate in range(3):
        layer = keras_cell(cell, drawn, replicate)
        state = [tf.zeros((1, UNITS), tf.float64)] * (2 if cell == "lstm" else 1)
        met = []
        with tf.GradientTape() as tape:
            tape.watch(state)
            for x in inputs[replicate]:
                state = layer(tf.constant(x[None]), state)[1]
                met.append(list(state))
            loss = tf.reduce_sum(state[0] * last[replicate])
        found = tape.gradient(loss, met)
        pairs = [(ours.state, back.state), (ours.cell, back.cell)][: len(met[0])]  # h, then c
        for number, (states, deltas) in enumerate(pairs):
            theirs = [step[number].numpy()[0] for step in met]
            np.testing.assert_allclose(states[replicate], theirs, atol=1e-5)
            their_deltas = [step[number].numpy()[0] for step in found]
            np.testing.assert_allclose(deltas[replicate], their_deltas, atol=1e-5)


@every_cell
def test_the_layer_of_keras_agrees_too_with_its_own_defaults(cell):
    """Not only the cell: reset_after, the order of the gates and unit_forget_bias are defaults."""
    import keras

    classes = {
        "simple_rnn": keras.layers.SimpleRNN,
        "lstm": keras.layers.LSTM,
        "gru": keras.layers.GRU,
    }
    layer = classes[cell](UNITS, return_sequences=True)
    inputs = sequences(4).astype(np.float32)
    theirs = np.asarray(layer(inputs))
    shared = recurrent.Weights(*(np.stack([part] * 4) for part in layer.get_weights()))
    np.testing.assert_allclose(recurrent.states(cell, shared, inputs).state, theirs, atol=1e-5)
    ours = recurrent.weights(cell, units=UNITS, num_inputs=INPUTS, num_replicates=1)
    for part, theirs in zip(ours, layer.get_weights(), strict=True):
        assert part.shape[1:] == theirs.shape
    np.testing.assert_array_equal(ours.bias[0], layer.get_weights()[2])


@every_cell
def test_weights_are_distributed_as_keras_s(cell):
    drawn = recurrent.weights(cell, units=32, num_inputs=20, recurrent_scale=1.5)
    pieces = recurrent.CELLS[cell].gates
    bound = np.sqrt(6 / (20 + 32 * pieces))
    assert 0.99 * bound < np.abs(drawn.kernel).max() <= bound
    gram = drawn.recurrent_kernel @ np.swapaxes(drawn.recurrent_kernel, 1, 2)
    np.testing.assert_allclose(gram, np.stack([1.5**2 * np.eye(32)] * 10), atol=1e-5)
    assert not np.array_equal(drawn.kernel[0], drawn.kernel[1])
    again = recurrent.weights(cell, units=32, num_inputs=20, num_replicates=2, seed=0)
    np.testing.assert_array_equal(again.kernel, drawn.kernel[:2])
    other = recurrent.weights(cell, units=32, num_inputs=20, num_replicates=2, seed=1)
    assert not np.array_equal(again.kernel, other.kernel)


@every_cell
def test_a_gradient_is_the_slope_of_the_loss(cell):
    """Finite difference: the first input moves the first state, and that alone moves the loss."""
    drawn = recurrent.weights(cell, units=UNITS, num_inputs=UNITS, num_replicates=1)
    inputs = sequences(1, num_inputs=UNITS)
    last = np.ones((1, UNITS))
    back = recurrent.gradients(cell, drawn, inputs, last)

    def run(shift):
        moved = inputs.copy()
        moved[0, 0, 0] += shift
        found = recurrent.states(cell, drawn, moved)
        return found, float(found.state[0, -1].sum())

    step = 1e-5
    above, high = run(step)
    below, low = run(-step)
    numeric = (high - low) / (2 * step)
    if cell == "lstm":  # x_1 moves c_1, and h_1 beyond what c_1 does to it, by the output gate
        at = recurrent.states(cell, drawn, inputs)
        moved_c = (above.cell[0, 0] - below.cell[0, 0]) / (2 * step)
        moved_h = (above.state[0, 0] - below.state[0, 0]) / (2 * step)
        gate = at.state[0, 0] / np.tanh(at.cell[0, 0])
        rest = moved_h - gate * (1 - np.tanh(at.cell[0, 0]) ** 2) * moved_c
        exact = back.cell[0, 0] @ moved_c + back.state[0, 0] @ rest
    else:
        exact = back.state[0, 0] @ (above.state[0, 0] - below.state[0, 0]) / (2 * step)
    assert numeric == pytest.approx(exact, rel=1e-5)


def test_a_simple_rnn_loses_at_every_step_as_long_as_its_kernel_does_not_enlarge():
    """||dL/dh_t|| <= scale ||dL/dh_(t+1)||, since a slope of tanh is at most 1."""
    for scale in (0.5, 1.0):
        norms = recurrent.profile("simple_rnn", recurrent_scale=scale).delta_h.values
        assert (norms[:, :-1] <= scale * norms[:, 1:] * (1 + 1e-6)).all()
        np.testing.assert_allclose(norms[:, -1], 1)
    at_rest = {"steps": 30, "inputs": np.zeros(30), "recurrent_scale": 2.0}  # every slope is 1
    larger = recurrent.profile("simple_rnn", **at_rest).delta_h
    np.testing.assert_allclose(larger, 2.0 ** np.arange(30)[::-1] * np.ones((10, 1)), rtol=1e-5)


@pytest.mark.parametrize("bias", [-1.0, 0.0, 1.0, 6.0])
def test_the_forget_gate_alone_gives_the_power_of_its_bias(bias):
    alone = recurrent.profile(
        "lstm", steps=50, forget_bias=bias, recurrent_scale=0, inputs=np.zeros(50)
    )
    relative = alone.delta_c / alone.delta_c.isel(time=-1)
    predicted = recurrent.carried(50, bias)
    np.testing.assert_allclose(relative, predicted * np.ones((10, 1)), rtol=1e-9)
    assert predicted[0] == pytest.approx(expit(bias) ** 49)


def test_keras_s_forget_bias_alone_leaves_little_after_a_hundred_steps():
    assert recurrent.carried(101)[0] == pytest.approx(2.48e-14, rel=0.01)


def test_a_chosen_sequence_serves_all_replicates_and_the_draws_do_not_depend_on_its_length():
    short, long = (recurrent.profile("gru", steps=steps) for steps in (10, 20))
    np.testing.assert_allclose(short.state_std, long.state_std.isel(time=slice(10)), rtol=1e-12)
    zeros = recurrent.profile("gru", steps=10, inputs=np.zeros((10, 2)))
    assert (zeros.state_std == 0).all() and zeros.delta_c.isnull().all()
    np.testing.assert_allclose(zeros.delta_h.isel(time=-1), 1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cell": "ltsm"}, "Unknown cell 'ltsm'. Did you mean 'lstm'\\? Allowed: simple_rnn"),
        ({"steps": 0}, "steps must be a whole number, 1 or more; got 0."),
        ({"units": 2.5}, "units must be a whole number, 1 or more; got 2.5."),
        ({"num_replicates": 0}, "num_replicates must be"),
        ({"forget_bias": np.nan}, "forget_bias must be a finite number; got nan."),
        ({"recurrent_scale": -1}, "recurrent_scale must be a finite number, 0 or more; got -1."),
        ({"inputs": np.zeros(3)}, "inputs must be finite, of shape \\(10,\\)"),
        ({"inputs": np.full(10, np.inf)}, "inputs must be finite"),
    ],
)
def test_bad_input_is_one_clear_sentence(change, sentence):
    arguments = {"cell": "lstm", "steps": 10} | change
    with pytest.raises(ValueError, match=sentence):
        recurrent.profile(**arguments)


def test_three_sequences_for_two_replicates_are_refused():
    drawn = recurrent.weights("lstm", units=2, num_replicates=2)
    for run in (recurrent.states, lambda *given: recurrent.gradients(*given, np.ones((2, 2)))):
        with pytest.raises(ValueError, match="one for each of the 2 replicates"):
            run("lstm", drawn, np.ones((3, 4, 1)))
