"""The compiled training loop of one Keras model: its layers unrolled, its optimizer inside.

For the learner's own model, whatever it's made of. What back-propagation meets on its way is
caught by tapping the model's layers while the program is traced, and laid down as one long row a
step. After a block of rows, small enough for the processor's cache, they're summed up together, by
the same functions as in ``universal``.
"""

import json
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from helpers import universal
from helpers.measure import OUTPUT_SLOPE, largest_slope

BLOCK, BLOCKS = 32, 64  # recorded steps in a block, and blocks in a chunk: at most so many,
MEMORY = 32e6  # each in about so many bytes
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
    """The compiled chunk of training for one model, loss, optimizer and batch size.

    `rows` is how many steps it can record; with `keep` it returns kernels and gradients, too.
    """

    def __init__(self, model, num_examples, batch_size, num_outputs, loss, optimizer, keep):
        self.model, self.loss, self.num_outputs = model, loss, num_outputs
        self.num_examples, self.batch_size = num_examples, batch_size
        self.optimizer = optimizer
        optimizer.build(model.trainable_variables)
        self.fresh = [variable.numpy() for variable in optimizer.variables]
        self.kernels, self.taps = kernels(model), taps(model)
        self.dtype = tf.as_dtype(next(iter(self.kernels.values())).dtype)
        self.largest = {name: tap.largest_slope() for name, tap in self.taps.items()}
        self.keep = keep
        # of each kernel gradient, before, after; of each tap a, slope, delta
        of_kernels = [(int(np.prod(k.shape[:-1])), k.shape[-1]) for k in self.kernels.values()]
        of_taps = [(batch_size, tap.dense.units) for tap in self.taps.values()]
        self.shapes = [shape for shape in of_kernels + of_taps for _ in range(3)]
        row = 4 * sum(a * b for a, b in self.shapes)
        self.block = int(max(1, min(BLOCK, MEMORY / row)))
        blocks = min(BLOCKS, MEMORY / row / self.block) if keep else BLOCKS
        self.rows = self.block * int(max(2, blocks))
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

    def _run(self, carried, x, y, batches, first, steps, every, epoch, undo):
        variables = self.model.trainable_variables
        watched = list(self.kernels.values())
        places = [next(i for i, v in enumerate(variables) if v is kernel) for kernel in watched]
        at_first = [tf.identity(variable.value) for variable in self.model.variables]
        sizes = [1, 1, *(a * b for a, b in self.shapes)]
        recorded_before = (first + every - 1) // every

        def step(number, score, failed, block, rows):
            now = first + number
            # overwritten until its last step, k * every
            slot = (now + every - 1) // every - recorded_before - block * self.block
            chosen = tf.gather(batches, number)
            score = tf.cond(now % epoch == 0, lambda: self._accuracy(x, y), lambda: score)
            caught = {}
            with tf.GradientTape() as tape, tapped(self.taps, caught):
                losses = self._losses(
                    tf.gather(y, chosen), self.model(tf.gather(x, chosen), training=True)
                )
                loss = tf.reduce_mean(losses)
            signals = [caught[name] for name in self.taps]
            gradients, deltas = tape.gradient(
                loss, [[v.value for v in variables], [z for z, _, _ in signals]],
                unconnected_gradients="zero",
            )  # fmt: skip
            before = [tf.identity(kernel.value) for kernel in watched]
            self.optimizer.apply(gradients, variables)
            values = [tf.cast(loss, self.dtype), tf.cast(score, self.dtype)]
            for kernel, place, old in zip(watched, places, before, strict=True):
                values += [gradients[place], old, kernel.value]
            for (_, slope, a), delta in zip(signals, deltas, strict=True):
                values += [a, slope, delta]
            failed = tf.where((failed < 0) & ~tf.math.is_finite(loss), now, failed)
            # one long row: many small writes would take as long as the training
            row = tf.concat([tf.reshape(value, [-1]) for value in values], axis=0)
            return score, failed, block, rows.write(slot, row)

        def some_steps(block, number, score, failed, tables, arrays):
            last_step = (recorded_before + (block + 1) * self.block - 1) * every - first
            end = tf.minimum(steps, last_step + 1)
            rows = tf.TensorArray(self.dtype, self.block, element_shape=(sum(sizes),))
            score, failed, _, rows = universal.loop(number, end, step, (score, failed, block, rows))
            loss, score_by_row, *parts = tf.split(rows.stack(), sizes, axis=1)
            parts = [
                tf.reshape(part, (self.block, *shape))
                for part, shape in zip(parts, self.shapes, strict=True)
            ]
            tables = tables.write(block, self._table(loss, score_by_row, parts))
            kept = zip(arrays, self._kept(parts), strict=True)
            arrays = [array.write(block, part) for array, part in kept]
            return end, score, failed, tables, arrays

        def array(*shape):
            return tf.TensorArray(
                self.dtype, self.rows // self.block, element_shape=shape, clear_after_read=False
            )

        count = 2 + len(universal.OF_KERNEL) * len(watched)
        count += (len(universal.BY_LAYER) - len(universal.OF_KERNEL)) * len(self.taps)
        arrays = [array(self.block, *shape) for shape in self._kept(self.shapes)]
        slots = (first + steps + every - 2) // every - recorded_before + 1
        used = (slots + self.block - 1) // self.block
        state = tf.constant(0), *carried, array(count, self.block), arrays
        _, score, failed, tables, arrays = universal.loop(0, used, some_steps, state)
        for variable, value in zip(self.model.variables, at_first, strict=True):
            variable.assign(tf.where(undo, value, variable.value))
        return (score, failed), tables.stack(), [array.stack() for array in arrays]

    def _kept(self, parts):
        """Those of all kernels' gradient, before and after that are returned as they are."""
        if not self.keep:
            return []
        parts = parts[: 3 * len(self.kernels)]
        return [*parts[0::3], *parts[1::3]]

    def _table(self, loss, score, parts):
        """Sum up a block of rows: (statistic, row)."""
        columns = [tf.transpose(loss), tf.transpose(score)]
        for number in range(len(self.kernels)):
            gradient, before, after = parts[3 * number : 3 * number + 3]
            columns.append(universal.kernel_statistics(gradient, before, after - before))
        for number, largest in enumerate(self.largest.values(), start=len(self.kernels)):
            a, slope, delta = (
                tf.transpose(part, (0, 2, 1)) for part in parts[3 * number : 3 * number + 3]
            )
            delta *= self.batch_size  # dL_i/dz, where L is the mean of the L_i
            columns.append(universal.signal_statistics(a, slope, delta, largest))
        return tf.concat(columns, axis=0)


def program(model, num_examples, batch_size, num_outputs, loss, optimizer, keep) -> Program:
    """Return the program for these settings, made only if `model` has none yet."""
    programs = model.__dict__.setdefault("_recorded_programs", {})
    settings = json.dumps(
        keras.saving.serialize_keras_object(optimizer), sort_keys=True, default=str
    )
    key = (num_examples, batch_size, loss, settings, keep)
    if key not in programs:
        programs[key] = Program(model, num_examples, batch_size, num_outputs, loss, optimizer, keep)
    return programs[key]
