"""Catalogue entries and sizes in, a Keras model with named layers out."""

import functools

import keras
import numpy as np

from helpers.catalogue import ACTIVATIONS, Activation, Network
from helpers.catalogue.activations import PROBE_TOLERANCE, PROBES
from helpers.checks import affordable, instance, shown, whole_number

LAYER_BYTES = 100_000  # that Keras needs for a layer, whatever its size

# at import, before a first model fails with a message about tensors
if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"This course needs Keras on TensorFlow; here Keras runs on {keras.backend.backend()}. "
        "Unset KERAS_BACKEND, restart the kernel, and run the first cell of the lesson first."
    )


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
    normalization : None or str
        A name in NORMALIZATIONS: "batch", "layer" or "rms", of each hidden layer's pre-activation.
    residual : bool
        Hidden layer 2 and later add their input to their activation, a + phi(z)
        (after He et al. 2016, with one layer to a block).

    Raises
    ------
    ValueError
        For an unknown name or a size below 1.
    """
    network = Network(activation, initializer, depth, width, normalization, residual)
    num_inputs = whole_number("num_inputs", num_inputs)
    num_outputs = whole_number("num_outputs", num_outputs)
    affordable(f"A Keras model of {network.depth} layers", network.depth, each=LAYER_BYTES)
    inner = network.width * (num_inputs + network.width * network.depth + num_outputs)
    affordable("The kernels of this network", inner)
    sizes = network.sizes(num_inputs, num_outputs)
    seed = whole_number("seed", seed, low=0)
    replicate = whole_number("replicate", replicate, low=0)
    model = build(network, num_inputs, num_outputs)
    # the stream of each layer depends on these two numbers, so nothing global has to be seeded
    drawn = network.sampler.sample_layers(sizes, seed, replicate)
    for layer, (kernel, bias) in zip(dense_layers(model), drawn, strict=True):
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)
    return model


def build(network: Network, num_inputs: int, num_outputs: int) -> keras.Model:
    """Build a network whose kernels and biases are all 0."""
    inputs = keras.Input((num_inputs,), name="inputs")
    a = inputs
    for number, name in enumerate(network.layers[:-1], start=1):
        # zeros: the weights come from the catalogue's sampler, and drawing twice would cost time
        z = keras.layers.Dense(network.width, kernel_initializer="zeros", name=name)(a)
        if network.normalizer:
            z = network.normalizer.layer(f"{name}_normalization")(z)
        phi = activation_layer(network.phi, name=f"{name}_activation")(z)
        # not the first layer, whose input may have another number of units
        skips = network.residual and number > 1
        a = keras.layers.Add(name=f"{name}_addition")([a, phi]) if skips else phi
    z = keras.layers.Dense(num_outputs, kernel_initializer="zeros", name="output")(a)
    # a layer of its own: the loss is computed from the logits, before it
    squash = "sigmoid" if num_outputs == 1 else "softmax"
    outputs = keras.layers.Activation(squash, name="output_activation")(z)
    return keras.Model(inputs, outputs, name=f"{network.activation}_{network.initializer}")


def activation_layer(entry: Activation, name: str | None = None) -> keras.layers.Layer:
    """Make a new Keras layer for a catalogue entry.

    Raises
    ------
    ValueError
        If Keras does not know the entry's name, or computes something else than NumPy does; for
        what is no entry, or a layer name that Keras refuses.
    """
    instance("entry", entry, Activation, "an entry of ACTIVATIONS")
    if name is not None and (not isinstance(name, str) or "/" in name or not name):
        raise ValueError(f"name must be None, or a text without a slash; got {shown(name)}.")
    _check_against_numpy(entry, entry.fingerprint)
    return _layer_of(entry, name)


def _layer_of(entry, name=None):
    # the same layer for a name and for a function of a tensor
    if entry.slope_kind == "fixed":
        return keras.layers.Activation(entry.keras, name=name)
    # a slope that is learned or drawn needs a layer of its own, with its weight or its generator
    layer = entry.keras()
    layer.name = name or layer.name
    return layer


@functools.lru_cache(64)
def _check_against_numpy(entry, _fingerprint):
    """Raise a ``ValueError`` unless Keras and NumPy compute the same.

    Asked once an entry, and again where a global that its function reads has changed.
    """
    try:
        values, slopes = _values_and_slopes(_layer_of(entry))
    except Exception as error:  # Keras raises many kinds, and a learner's function any
        raise ValueError(
            f"Keras can't make the activation {entry.keras!r}: {type(error).__name__}: {error}"
        ) from error
    if slopes is None:
        raise ValueError(
            f"Keras can't train the activation {entry.keras!r}: it has no gradient. Write it with "
            "keras.ops, as in keras.ops.sin."
        )
    for what, ours, theirs in (
        ("", entry.function(PROBES), values),
        ("'s slope", entry.derivative(PROBES), slopes),
    ):
        ours = np.asarray(ours)
        close = {"rtol": PROBE_TOLERANCE, "atol": PROBE_TOLERANCE}
        if theirs.shape != ours.shape or not np.allclose(theirs, ours, **close):
            raise ValueError(
                f"An activation{what} must be the same in NumPy and in Keras; at "
                f"{PROBES.ravel().tolist()} NumPy gives {ours.ravel().tolist()}, Keras "
                f"{theirs.ravel().tolist()}."
            )


def _values_and_slopes(layer):
    """Give what a layer makes of the probes, and its slopes there: None if it has no gradient."""
    import tensorflow as tf

    z = tf.constant(PROBES, "float32")
    with tf.GradientTape() as tape:
        tape.watch(z)
        a = layer(z)
    slopes = tape.gradient(a, z) if tf.is_tensor(a) else None
    return np.asarray(a), None if slopes is None else slopes.numpy()


def dense_layers(model: keras.Model) -> list[keras.layers.Dense]:
    """List the layers hidden_1 ... hidden_L, output of a model made by `make_mlp`.

    Raises
    ------
    ValueError
        If the model has other layers: a fused ``Dense(..., activation=...)`` shows no
        pre-activation, so there would be nothing to measure.
    """
    instance("model", model, keras.Model, "a keras.Model")
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    names = [layer.name for layer in layers]
    # the names say the order, and a linear Dense layer that its output is the pre-activation
    if names != [*(f"hidden_{number}" for number in range(1, len(layers))), "output"] or any(
        layer.activation is not keras.activations.linear for layer in layers
    ):
        raise ValueError(
            "The model must come from make_mlp, with Dense layers hidden_1 ... hidden_L, output "
            f"and each activation in a layer of its own; got {', '.join(names) or 'none'}."
        )
    return layers
