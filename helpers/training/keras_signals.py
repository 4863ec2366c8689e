"""Where the signals of a Keras model are: kernels, pre-activations, slopes and activations."""

from contextlib import contextmanager

import keras
import tensorflow as tf

from helpers.measure import OUTPUT_SLOPE, largest_slope

ACTIVATION_LAYERS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)


def kernels(model) -> dict[str, keras.Variable]:
    """Find the trainable kernels by the name of their layer, from the input side.

    A recurrent layer has two: "lstm" for the inputs, "lstm_recurrent" for the state.
    """
    found = {}
    # Keras has no public way to list the layers inside a layer, such as a recurrent layer's cell
    for layer in model._flatten_layers(include_self=False, recursive=True):
        for variable in layer._trainable_variables:
            if variable.name.endswith("kernel"):
                owner = variable.path.split("/")[-2].removesuffix("_cell")
                recurrent = variable.name == "recurrent_kernel"
                found[owner + "_recurrent" * recurrent] = variable
    return found


class Tap:
    """Where the signals of one Dense layer are: around its own activation, or a later layer."""

    def __init__(self, dense, following, last):
        self.dense = dense
        self.last = last
        # an activation inside the Dense layer, or the first of the layers up to the next Dense
        fused = dense.activation is not keras.activations.linear
        marks = (
            layer
            for layer in following
            if isinstance(layer, ACTIVATION_LAYERS) or layer.name == f"{dense.name}_activation"
        )
        self.layer = None if fused else next(marks, None)
        sums = (layer for layer in following if layer.name == f"{dense.name}_addition")
        self.addition = next(sums, None)

    def phi(self, z, **options):
        """Apply the activation, whoever holds it."""
        if self.layer is not None:
            return self.layer(z, **options)
        return self.dense.activation(z)

    def largest_slope(self) -> float:
        """Measure the largest |phi'|, as ``catalogue.Activation.largest_slope`` has it."""
        if self.last:
            return OUTPUT_SLOPE
        return largest_slope(self.phi, self.dense.units, self.dense.compute_dtype)


def taps(model) -> dict[str, Tap]:
    """Make a `Tap` for every Dense layer of the model itself, by name."""
    layers = list(model.layers)
    places = [i for i, layer in enumerate(layers) if isinstance(layer, keras.layers.Dense)]
    ends = [*places[1:], len(layers)]
    return {
        layers[i].name: Tap(layers[i], layers[i + 1 : end], i == places[-1])
        for i, end in zip(places, ends, strict=True)
    }


@contextmanager
def tapped(model_taps, caught):
    """Within it a call of the model puts {name: (z, phi'(z), a)} into `caught`."""
    changed = []

    def change(layer, attribute, new):
        changed.append((layer, attribute, layer.__dict__.get(attribute)))
        layer.__dict__[attribute] = new  # past Keras's bookkeeping: only for this call

    def watch(name, tap, function):
        def watched(z, *args, **options):
            # a tape of its own: the outer one knows dL/da, and phi' is wanted
            with tf.GradientTape() as tape:
                tape.watch(z)
                a = function(z, *args, **options)
            slope = tape.gradient(a, z, unconnected_gradients="zero")
            if tap.last:  # a softmax unit in its own logit
                slope = a * (1 - a)
            caught[name] = (z, slope, a)
            return a

        return watched

    def watch_sum(name, function):
        def watched(inputs, *args, **options):
            # z and phi' are those of the activation before; only what is handed on is new
            a = function(inputs, *args, **options)
            caught[name] = (*caught[name][:2], a)
            return a

        return watched

    try:
        for name, tap in model_taps.items():
            if tap.layer is not None:
                change(tap.layer, "call", watch(name, tap, tap.layer.call))
            else:
                change(tap.dense, "activation", watch(name, tap, tap.dense.activation))
            if tap.addition is not None:
                change(tap.addition, "call", watch_sum(name, tap.addition.call))
        yield
    finally:
        # backwards, so that an attribute changed twice ends as it began
        for layer, attribute, old in reversed(changed):
            if old is None:
                del layer.__dict__[attribute]
            else:
                layer.__dict__[attribute] = old
