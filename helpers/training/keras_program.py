"""The compiled loop that trains one Keras model: its layers unrolled, its optimizer inside.

What back-propagation meets on its way is caught while the program is traced
(``diagnosis.catching``), and laid down as one long row a step. After a block of rows, small enough
for the processor's cache, they are summed up together.
"""

import functools
import json
import math

import keras
import numpy as np
import tensorflow as tf

from helpers.diagnosis.calls import call_model
from helpers.diagnosis.catching import Catcher
from helpers.diagnosis.classifier import Classifier
from helpers.training import keras_statistics

tf.get_logger().setLevel("ERROR")  # it warns of retracing, which is not the learner's business

SCORED = 1024  # examples at a time whose accuracy is looked at: all at once would take much memory
BLOCK, BLOCKS = 32, 64  # recorded steps in a block, and blocks in a chunk: at most so many,
MEMORY = 32e6  # each in about so many bytes
PROBED = 2  # examples of the pass that finds the sizes of signals
PLAIN = (bool, int, float, str, type(None))  # settings that are compared by their value


def loop(start, end, body, state, by=1):
    """``for i in range(start, end, by): state = body(i, *state)`` inside the program."""
    going = (lambda i, *_: i < end) if by > 0 else (lambda i, *_: i > end)
    first = tf.convert_to_tensor(start, tf.int32)
    return tf.while_loop(going, lambda i, *old: (i + by, *body(i, *old)), (first, *state))[1:]


def needs_accuracy(now, every, epoch, steps):
    """Whether an epoch begins that holds a recorded step: other accuracies no one would see.

    Recorded are the multiples of `every`, and the step behind the last update, a chunk of its own.
    """
    return (now % epoch == 0) & ((-now % every < epoch) | (steps == 1))


@functools.cache
def has_xla() -> bool:
    """Whether this TensorFlow can compile with XLA at all."""
    try:
        tf.function(lambda: tf.zeros(()) + 1, autograph=False, jit_compile=True)()
    except tf.errors.OpError:
        return False
    return True


class Program:
    """The compiled chunk of training for one classifier, optimizer and batch size.

    `rows` is how many steps it can record; with `keep` it returns kernels and gradients, too. It
    `is_new` until someone says otherwise: the first run compiles.
    Arrays of one shape lie side by side, so that one operation sums up many layers: `of_kernels`
    and `of_taps` are those groups, shape -> names, in the order in which everything is returned.
    """

    def __init__(self, classifier, num_examples, batch_size, optimizer, keep):
        self.classifier = classifier
        self.model = model = classifier.model
        self.num_examples = num_examples
        self.batch_size = batch_size
        self.optimizer = optimizer
        optimizer.build(model.trainable_variables)
        # an optimizer's slots and its count of steps, to begin every run alike
        self.fresh = [variable.numpy() for variable in optimizer.variables]
        parts = classifier.anatomy.parts
        self.kernels = {part.kernel.name: part.kernel.variable for part in parts}
        self.dtype = tf.as_dtype(next(iter(self.kernels.values())).dtype)
        # what has no activation that is known, such as a recurrent layer, is recorded by its kernel
        self.parts = {part.kernel.name: part for part in parts if part.activation}
        self.catcher = Catcher(classifier.anatomy)
        self.keep = keep
        self.is_new = True
        self.of_kernels = {}
        self.of_taps = {}
        # frozen kernels have a gradient, too: it is recorded, and never used
        trained = {id(variable) for variable in model.trainable_variables}
        frozen = [kernel for kernel in self.kernels.values() if id(kernel) not in trained]
        self.differentiated = [*model.trainable_variables, *frozen]
        places = {id(variable): place for place, variable in enumerate(self.differentiated)}
        self.positions = {name: places[id(kernel)] for name, kernel in self.kernels.items()}
        for name, kernel in self.kernels.items():
            shape = int(np.prod(kernel.shape[:-1])), kernel.shape[-1]
            self.of_kernels.setdefault(shape, []).append(name)
        for name, (positions, units) in self._sizes(classifier).items():
            self.of_taps.setdefault((batch_size * positions, units), []).append(name)
        # of each kernel gradient, before, after; of each tap a, slope, delta
        groups = [*self.of_kernels.items(), *self.of_taps.items()]
        self.shapes = [(len(names), *shape) for shape, names in groups for _ in range(3)]
        # bytes of a recorded step, as if in float32
        row = 4 * sum(map(math.prod, self.shapes))
        self.block = int(max(1, min(BLOCK, MEMORY / row)))
        blocks = min(BLOCKS, MEMORY / row / self.block) if keep else BLOCKS
        self.rows = self.block * int(max(2, blocks))
        self.num_columns = 2 + len(keras_statistics.OF_KERNEL) * len(self.kernels)
        self.num_columns += len(keras_statistics.OF_SIGNALS) * len(self.parts)
        xla = has_xla()
        self.compiled = "XLA" if xla else "tf.function"
        self.run = tf.function(self._run, autograph=False, jit_compile=xla)

    def reset(self):
        """Make the optimizer forget."""
        for variable, value in zip(self.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def _sizes(self, classifier):
        """Find how many places (pixels, time steps, calls) and units the signals of a part have."""
        sizes = {}
        with self.catcher.catching():
            classifier.run(PROBED)
        for name, part in self.parts.items():
            caught = [z for z, _, _ in self.catcher.signals(part)]
            units = caught[0].shape[-1]
            sizes[name] = sum(math.prod(z.shape[1:]) for z in caught) // units, units
        return sizes

    def _accuracy(self, x, y):
        """Share of right answers over the whole data set, some examples at a time."""
        whole = self.num_examples // SCORED

        def score(i, right):
            # not x[i:j], whose length would be unknown while compiling
            some = tf.slice(x, (i * SCORED, 0), (SCORED, x.shape[1]))
            return (right + self._right(some, tf.slice(y, (i * SCORED,), (SCORED,))),)

        right = tf.zeros((), self.dtype)
        if whole:
            (right,) = loop(0, whole, score, (right,))
        if self.num_examples % SCORED:
            right += self._right(x[whole * SCORED :], y[whole * SCORED :])
        return right / self.num_examples

    def _right(self, x, y):
        """Count the right answers."""
        outputs = call_model(self.model, x, False)
        return tf.reduce_sum(tf.cast(self.classifier.right(outputs, y), self.dtype))

    def _run(self, carried, x, y, batches, first, steps, every, epoch, undo):
        at_first = [tf.identity(variable.value) for variable in self.model.variables]
        sizes = [1, 1, *map(math.prod, self.shapes)]
        recorded_before = (first + every - 1) // every

        def step(number, score, failed, block, rows):
            now = first + number
            # overwritten until its last step, k * every
            slot = (now + every - 1) // every - recorded_before - block * self.block
            chosen = tf.gather(batches, number)
            begins = needs_accuracy(now, every, epoch, steps)
            score = tf.cond(begins, lambda: self._accuracy(x, y), lambda: score)
            loss, values = self._step(tf.gather(x, chosen), tf.gather(y, chosen))
            failed = tf.where((failed < 0) & ~tf.math.is_finite(loss), now, failed)
            values = [tf.cast(loss, self.dtype), tf.cast(score, self.dtype), *values]
            # one long row: many small writes would take as long as the training
            row = tf.concat([tf.reshape(value, [-1]) for value in values], axis=0)
            return score, failed, block, rows.write(slot, row)

        def some_steps(block, number, score, failed, tables, arrays):
            last_step = (recorded_before + (block + 1) * self.block - 1) * every - first
            end = tf.minimum(steps, last_step + 1)
            rows = tf.TensorArray(self.dtype, self.block, element_shape=(sum(sizes),))
            score, failed, _, rows = loop(number, end, step, (score, failed, block, rows))
            loss, score_by_row, *parts = tf.split(rows.stack(), sizes, axis=1)
            parts = [
                tf.reshape(part, (self.block, *shape))
                for part, shape in zip(parts, self.shapes, strict=True)
            ]
            tables = tables.write(block, self._table(loss, score_by_row, parts))
            kept = zip(arrays, self._kept(parts), strict=True)
            arrays = [array.write(block, part) for array, part in kept]
            return end, score, failed, tables, arrays

        arrays = [self._array(self.block, *shape) for shape in self._kept(self.shapes)]
        slots = (first + steps + every - 2) // every - recorded_before + 1
        used = (slots + self.block - 1) // self.block
        state = tf.constant(0), *carried, self._array(self.num_columns, self.block), arrays
        _, score, failed, tables, arrays = loop(0, used, some_steps, state)
        # the step after the last update only measures: what it changed is put back
        for variable, value in zip(self.model.variables, at_first, strict=True):
            variable.assign(tf.where(undo, value, variable.value))
        return (score, failed), tables.stack(), [array.stack() for array in arrays]

    def _step(self, x, y):
        """Train on one batch; return its loss, and what is recorded, in the order of `shapes`."""
        variables = self.model.trainable_variables
        values = [variable.value for variable in self.differentiated]
        with tf.GradientTape() as tape:
            for value in values[len(variables) :]:
                tape.watch(value)
            with self.catcher.catching(tape):
                loss = self.classifier.of_batch(x, y)
        caught = {name: self.catcher.signals(part) for name, part in self.parts.items()}
        z = {name: [one for one, _, _ in signals] for name, signals in caught.items()}
        gradients, deltas = tape.gradient(loss, [values, z], unconnected_gradients="zero")
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        # copies: the optimizer changes the variables in place
        before = {name: tf.identity(kernel.value) for name, kernel in self.kernels.items()}
        self.optimizer.apply(gradients[: len(variables)], variables)
        values = []
        for names in self.of_kernels.values():
            values += [gradients[self.positions[name]] for name in names]
            values += [before[name] for name in names]
            values += [self.kernels[name].value for name in names]
        for names in self.of_taps.values():
            values += [_joined([a for _, _, a in caught[name]]) for name in names]
            values += [_joined([slope for _, slope, _ in caught[name]]) for name in names]
            values += [_joined(deltas[name]) for name in names]
        return loss, values

    def _array(self, *shape):
        """Room for one tensor of this shape in each block of a chunk."""
        blocks = self.rows // self.block
        return tf.TensorArray(self.dtype, blocks, element_shape=shape, clear_after_read=False)

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
            table = keras_statistics.kernel_statistics(gradient, before, after - before, size)
            columns.append(flat(table))
        of_taps = zip(self.of_taps.values(), groups[len(self.of_kernels) :], strict=True)
        for names, arrays in of_taps:
            a, slope, delta = (tf.transpose(array, (0, 1, 3, 2)) for array in arrays)
            delta *= self.batch_size  # dL_i/dz, where L is the mean of the L_i
            largest = np.array([self.parts[name].largest for name in names])[:, None, None]
            table = keras_statistics.signal_statistics(a, slope, delta, largest, self.batch_size)
            columns.append(flat(table))
        return tf.concat(columns, axis=0)


def _joined(tensors):
    """Put the tensors of all calls, with all their places, into one (places, units)."""
    return tf.concat([tf.reshape(one, (-1, one.shape[-1])) for one in tensors], axis=0)


def program_for(model, plan, optimizer) -> Program:
    """Return the program for a run, made (and the model checked) only if there is none yet.

    A model that was changed since gets new ones: what is compiled knows the old layers only.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"model must be a keras.Model; got {type(model).__name__}.")
    programs = model.__dict__.setdefault("_recorded_programs", {})
    if programs and not _is_same(model.__dict__["_recorded_state"], _state(model)):
        programs.clear()
    settings = json.dumps(
        keras.saving.serialize_keras_object(optimizer), sort_keys=True, default=str
    )
    dataset = plan.dataset
    key = (len(dataset), dataset.num_inputs, dataset.num_outputs, plan.batch_size, plan.loss)
    key = (*key, settings, bool(plan.keep))
    if key not in programs:
        classifier = Classifier(model, dataset, plan.loss)
        programs[key] = Program(
            classifier, len(dataset), plan.batch_size, optimizer, bool(plan.keep)
        )
        # kept beside the programs, so that no new object can have the address of an old one
        model.__dict__["_recorded_state"] = _state(model)
    return programs[key]


def _state(model) -> list:
    """List what a program depends on: layers, variables, what trains, settings such as a rate."""
    found = []
    for layer in model._flatten_layers():
        found += [layer, layer.trainable, getattr(layer, "activation", None)]
        # plain settings; those with an underscore are Keras's own bookkeeping
        for name, value in sorted(vars(layer).items()):
            if not name.startswith("_") and name != "built" and isinstance(value, PLAIN):
                found += [name, value]
    for variable in model.variables:
        found += [variable, variable.trainable]
    return found


def _is_same(old, new) -> bool:
    """Compare plain values as such, and everything else as objects."""
    return len(old) == len(new) and all(
        a is b or (isinstance(a, PLAIN) and type(a) is type(b) and a == b)
        for a, b in zip(old, new, strict=True)
    )
