"""Catalogue entries and sizes in, a Keras model with named layers out."""

import statistics
import time

import keras

from helpers.catalogue import ACTIVATIONS, INITIALIZERS, check_normalization
from helpers.checks import whole_number


def make_mlp(
    activation: str,
    initializer: str,
    *,
    depth: int = 4,
    width: int = 5,
    num_inputs: int = 2,
    num_outputs: int = 1,
    seed: int = 0,
    replicate: int = 0,
    normalization: str | None = None,
    residual: bool = False,
) -> keras.Model:
    """Build a multilayer perceptron, (num_examples, num_inputs) -> (num_examples, num_outputs).

    Hidden layer l is a ``Dense`` named ``hidden_l`` without an activation of its own, then
    ``hidden_l_normalization`` if asked for, then ``hidden_l_activation``; so the pre-activation
    and the activation can be looked at separately. The last two layers are ``output`` and
    ``output_activation``. Biases start at 0; kernels come from the catalogue's sampler, a stream
    of its own for every (seed, replicate, layer).

    Parameters
    ----------
    activation, initializer : str
        Names in the catalogue.
    depth, width : int
        Number of hidden layers (the output layer isn't counted), and units in each.
    num_outputs : int
        1 gives a sigmoid, more give a softmax.
    normalization : None or "batch"
        Batch normalisation of each hidden layer's pre-activation (Ioffe & Szegedy 2015).
    residual : bool
        Hidden layer 2 and later add their input to their activation, a + phi(z)
        (after He et al. 2016, with one layer to a block).

    Raises
    ------
    ValueError
        For an unknown name or a size below 1.
    """
    entry, sampler = ACTIVATIONS[activation], INITIALIZERS[initializer]
    depth, width = whole_number("depth", depth), whole_number("width", width)
    num_inputs = whole_number("num_inputs", num_inputs)
    num_outputs = whole_number("num_outputs", num_outputs)
    check_normalization(normalization)

    a = inputs = keras.Input((num_inputs,), name="inputs")
    for number in range(1, depth + 1):
        name = f"hidden_{number}"
        z = keras.layers.Dense(width, kernel_initializer="zeros", name=name)(a)
        if normalization == "batch":
            z = keras.layers.BatchNormalization(name=f"{name}_normalization")(z)
        phi = activation_layer(entry, name=f"{name}_activation")(z)
        skips = residual and number > 1
        a = keras.layers.Add(name=f"{name}_addition")([a, phi]) if skips else phi
    z = keras.layers.Dense(num_outputs, kernel_initializer="zeros", name="output")(a)
    squash = "sigmoid" if num_outputs == 1 else "softmax"
    outputs = keras.layers.Activation(squash, name="output_activation")(z)
    model = keras.Model(inputs, outputs, name=f"{activation}_{initializer}")

    for number, layer in enumerate(dense_layers(model), start=1):
        stream = number if number <= depth else 0
        kernel = sampler.sample(*layer.kernel.shape, seed=seed, replicate=replicate, layer=stream)
        layer.kernel.assign(kernel)
        bias = sampler.sample_bias(layer.units, seed=seed, replicate=replicate, layer=stream)
        layer.bias.assign(bias)
    return model


def activation_layer(entry, name: str | None = None) -> keras.layers.Layer:
    """Make a new Keras layer for a catalogue entry."""
    if entry.slope_kind == "fixed":
        return keras.layers.Activation(entry.keras, name=name)
    layer = entry.keras()
    layer.name = name or layer.name
    return layer


def milliseconds(activation: str, *, tries: int = 7) -> float:
    """Time Keras's activation, forward and back, on 1000 x 1000 values: the median of `tries`."""
    import tensorflow as tf

    z, layer, times = tf.random.normal((1000, 1000)), activation_layer(ACTIVATIONS[activation]), []
    for _ in range(whole_number("tries", tries) + 1):  # the first builds the layer
        start = time.perf_counter()
        with tf.GradientTape() as tape:
            tape.watch(z)
            a = layer(z)
        tape.gradient(a, z).numpy()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def dense_layers(model: keras.Model) -> list[keras.layers.Dense]:
    """List the layers hidden_1 ... hidden_L, output of a model made by `make_mlp`.

    Raises
    ------
    ValueError
        If the model has other layers: a fused ``Dense(..., activation=...)`` shows no
        pre-activation, so there would be nothing to measure.
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    names = [layer.name for layer in layers]
    if names != [*(f"hidden_{number}" for number in range(1, len(layers))), "output"] or any(
        layer.activation is not keras.activations.linear for layer in layers
    ):
        raise ValueError(
            "the model must come from make_mlp, with Dense layers hidden_1 ... hidden_L, output "
            f"and each activation in a layer of its own; got {', '.join(names) or 'none'}."
        )
    return layers
