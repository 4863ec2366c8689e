"""The compiled training loop of one Keras model: its layers unrolled, its optimizer inside.

For the learner's own model, whatever it's made of. What back-propagation meets on its way is
caught by tapping the model's layers while the program is traced, kept for the steps of a chunk,
and summed up afterwards for all of them, by the same functions as in ``universal``.
"""

import json
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from helpers import universal
from helpers.measure import OUTPUT_SLOPE, largest_slope

ROWS, MEMORY = 1024, 32e6  # recorded steps in a chunk: at most so many, in about so many bytes
ACTIVATION_LAYERS = (
    keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU,
    keras.layers.ELU, keras.layers.Softmax,
)  # fmt: skip


def kernels(model) -> dict[str, keras.Variable]:
    """Find the trainable kernels by the name of their layer, from the input side.

    A recurrent layer has two: "lstm" for the inputs, "lstm_recurrent" for the state.
    """
    found = {}
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
        self.dense, self.last = dense, last
        fused = dense.activation is not keras.activations.linear
        marks = (layer for layer in following if isinstance(layer, ACTIVATION_LAYERS)
                 or layer.name == f"{dense.name}_activation")  # fmt: skip
        self.layer = None if fused else next(marks, None)
        sums = (layer for layer in following if layer.name == f"{dense.name}_addition")
        self.addition = next(sums, None)

    def phi(self, z, **options):
        """Apply the activation, whoever holds it."""
        if self.layer is not None:
            return self.layer(z, **options)
        return self.dense.activation(z)

    def largest_slope(self) -> float:
        """As ``catalogue.Activation.largest_slope``, measured."""
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
        for layer, attribute, old in reversed(changed):
            if old is None:
                del layer.__dict__[attribute]
            else:
                layer.__dict__[attribute] = old


class Program:
    """The compiled chunk of training for one model, loss, optimizer and batch size."""

    def __init__(self, model, num_examples, batch_size, num_outputs, loss, optimizer):
        self.model, self.loss, self.num_outputs = model, loss, num_outputs
        self.num_examples, self.batch_size = num_examples, batch_size
        self.optimizer = optimizer
        optimizer.build(model.trainable_variables)
        self.fresh = [variable.numpy() for variable in optimizer.variables]
        self.kernels, self.taps = kernels(model), taps(model)
        self.dtype = tf.as_dtype(next(iter(self.kernels.values())).dtype)
        self.largest = {name: tap.largest_slope() for name, tap in self.taps.items()}
        numbers = 3 * sum(int(np.prod(k.shape)) for k in self.kernels.values())
        numbers += sum(4 * batch_size * tap.dense.units for tap in self.taps.values())
        self.rows = int(max(2, min(ROWS, MEMORY / 4 / numbers)))
        self.run = tf.function(self._run, autograph=False, jit_compile=universal.has_xla())

    def reset(self):
        """Make the optimizer forget."""
        for variable, value in zip(self.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def _losses(self, y, outputs):
        if self.num_outputs == 1:
            target = y[:, None]
        else:
            target = tf.one_hot(tf.cast(y, tf.int32), self.num_outputs, dtype=outputs.dtype)
        return getattr(keras.losses, self.loss)(target, outputs)

    def _accuracy(self, x, y):
        outputs = self.model(x, training=False)
        if self.num_outputs == 1:
            right = (outputs[:, 0] > 0.5) == (y > 0.5)
        else:
            right = tf.argmax(outputs, axis=1) == tf.cast(y, tf.int64)
        return tf.reduce_mean(tf.cast(right, self.dtype))

    def _run(self, carried, x, y, batches, first, steps, every, epoch):
        variables = self.model.trainable_variables
        watched = list(self.kernels.values())

        def flat(kernel):
            return tf.reshape(kernel, (-1, kernel.shape[-1]))

        def step(number, score, failed, records):
            now = first + number
            slot = (now + every - 1) // every - (first + every - 1) // every
            chosen = tf.gather(batches, number)
            score = tf.cond(now % epoch == 0, lambda: self._accuracy(x, y), lambda: score)
            caught = {}
            with tf.GradientTape() as tape, tapped(self.taps, caught):
                losses = self._losses(
                    tf.gather(y, chosen), self.model(tf.gather(x, chosen), training=True)
                )
                loss = tf.reduce_mean(losses)
            signals = [caught[name] for name in self.taps]
            found = tape.gradient(
                loss, [[v.value for v in variables], [z for z, _, _ in signals]],
                unconnected_gradients="zero",
            )  # fmt: skip
            gradients, deltas = found
            old = [tf.identity(kernel.value) for kernel in watched]
            self.optimizer.apply(gradients, variables)
            values = [tf.cast(loss, self.dtype), tf.cast(score, self.dtype)]
            for kernel, before in zip(watched, old, strict=True):
                gradient = next(g for g, v in zip(gradients, variables, strict=True) if v is kernel)
                values += [flat(gradient), flat(before), flat(kernel.value - before)]
            for (_, slope, a), delta in zip(signals, deltas, strict=True):
                values += [a, slope, delta * self.batch_size]
            failed = tf.where((failed < 0) & ~tf.math.is_finite(loss), now, failed)
            return score, failed, [r.write(slot, v) for r, v in zip(records, values, strict=True)]

        shapes = [(), ()]
        shapes += [(int(np.prod(k.shape[:-1])), k.shape[-1]) for k in watched for _ in range(3)]
        for tap in self.taps.values():
            shapes += [(self.batch_size, tap.dense.units)] * 3
        records = [
            tf.TensorArray(self.dtype, self.rows, element_shape=shape, clear_after_read=False)
            for shape in shapes
        ]
        score, failed, records = universal.loop(0, steps, step, (*carried, records))
        loss, score_by_row, *rest = [record.stack() for record in records]
        count = len(watched)
        of_kernels, of_taps = rest[: 3 * count], rest[3 * count :]
        of_kernels = [of_kernels[3 * i : 3 * i + 3] for i in range(count)]
        tables = [universal.kernel_statistics(*arrays) for arrays in of_kernels]
        signals = []
        for number, largest in enumerate(self.largest.values()):
            a, slope, delta = (
                tf.transpose(v, (0, 2, 1)) for v in of_taps[3 * number : 3 * number + 3]
            )
            signals.append(universal.signal_statistics(a, slope, delta, largest))
        arrays = [(gradient, kernel) for gradient, kernel, _ in of_kernels]
        return (score, failed), (loss, score_by_row), tables, signals, arrays


def program(model, num_examples, batch_size, num_outputs, loss, optimizer) -> Program:
    """Return the program for these settings, made only if `model` has none yet."""
    programs = model.__dict__.setdefault("_recorded_programs", {})
    settings = json.dumps(
        keras.saving.serialize_keras_object(optimizer), sort_keys=True, default=str
    )
    key = (num_examples, batch_size, loss, settings)
    if key not in programs:
        programs[key] = Program(model, num_examples, batch_size, num_outputs, loss, optimizer)
    return programs[key]
