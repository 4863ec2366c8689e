"""The compiled training loop of one Keras model: its layers unrolled, its optimizer inside.

For the learner's own model, whatever it's made of. What back-propagation meets on its way is
caught by tapping the model's layers while the program is traced, and laid down as one long row a
step. After a block of rows, small enough for the processor's cache, they're summed up together, by
the same functions as in ``universal``.
"""

import json
import math
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

    `rows` is how many steps it can record; with `keep` it returns kernels and gradients, too. It
    `is_new` until someone says otherwise: the first run compiles.
    Arrays of one shape lie side by side, so that one operation sums up many layers: `of_kernels`
    and `of_taps` are those groups, shape -> names, in the order in which everything is returned.
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
        self.keep, self.is_new = keep, True
        self.of_kernels, self.of_taps = {}, {}
        for name, kernel in self.kernels.items():
            shape = int(np.prod(kernel.shape[:-1])), kernel.shape[-1]
            self.of_kernels.setdefault(shape, []).append(name)
        for name, tap in self.taps.items():
            self.of_taps.setdefault((batch_size, tap.dense.units), []).append(name)
        # of each kernel gradient, before, after; of each tap a, slope, delta
        groups = [*self.of_kernels.items(), *self.of_taps.items()]
        self.shapes = [(len(names), *shape) for shape, names in groups for _ in range(3)]
        row = 4 * sum(map(math.prod, self.shapes))
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
        places = {name: next(i for i, v in enumerate(variables) if v is kernel)
                  for name, kernel in self.kernels.items()}  # fmt: skip
        at_first = [tf.identity(variable.value) for variable in self.model.variables]
        sizes = [1, 1, *map(math.prod, self.shapes)]
        recorded_before = (first + every - 1) // every

        def step(number, score, failed, block, rows):
            now = first + number
            # overwritten until its last step, k * every
            slot = (now + every - 1) // every - recorded_before - block * self.block
            chosen = tf.gather(batches, number)
            begins = universal.needs_accuracy(now, every, epoch, steps)
            score = tf.cond(begins, lambda: self._accuracy(x, y), lambda: score)
            caught = {}
            with tf.GradientTape() as tape, tapped(self.taps, caught):
                losses = self._losses(
                    tf.gather(y, chosen), self.model(tf.gather(x, chosen), training=True)
                )
                loss = tf.reduce_mean(losses)
            z = {name: caught[name][0] for name in self.taps}
            gradients, deltas = tape.gradient(
                loss, [[v.value for v in variables], z], unconnected_gradients="zero"
            )
            before = {name: tf.identity(kernel.value) for name, kernel in self.kernels.items()}
            self.optimizer.apply(gradients, variables)
            values = [tf.cast(loss, self.dtype), tf.cast(score, self.dtype)]
            for names in self.of_kernels.values():
                values += [gradients[places[name]] for name in names]
                values += [before[name] for name in names]
                values += [self.kernels[name].value for name in names]
            for names in self.of_taps.values():
                values += [caught[name][2] for name in names]
                values += [caught[name][1] for name in names]
                values += [deltas[name] for name in names]
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

        count = 2 + len(universal.OF_KERNEL) * len(self.kernels)
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
        parts = parts[: 3 * len(self.of_kernels)]
        return [*parts[0::3], *parts[1::3]]

    def _table(self, loss, score, parts):
        """Sum up a block of rows: (statistic, row)."""

        def flat(statistics):
            return tf.reshape(tf.transpose(statistics, (2, 0, 1)), (-1, self.block))

        columns = [tf.transpose(loss), tf.transpose(score)]
        groups = [parts[i : i + 3] for i in range(0, len(parts), 3)]
        for gradient, before, after in groups[: len(self.of_kernels)]:
            size = before.shape[-2] * before.shape[-1]
            table = universal.kernel_statistics(gradient, before, after - before, size)
            columns.append(flat(table))
        of_taps = zip(self.of_taps.values(), groups[len(self.of_kernels) :], strict=True)
        for names, arrays in of_taps:
            a, slope, delta = (tf.transpose(array, (0, 1, 3, 2)) for array in arrays)
            delta *= self.batch_size  # dL_i/dz, where L is the mean of the L_i
            largest = np.array([self.largest[name] for name in names])[:, None, None]
            table = universal.signal_statistics(a, slope, delta, largest, a.shape[-2])
            columns.append(flat(table))
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
