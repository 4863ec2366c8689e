"""Training a Keras model of the learner's own: its layers unrolled, its optimizer inside.

One program of TensorFlow serves one model, loss, optimizer and batch size. What back-propagation
meets on its way is caught by tapping the model's layers while the program is traced, and laid down
as one long row a step. After a block of rows, small enough for the processor's cache, they're
summed up together.
"""

import ctypes
import functools
import json
import math
import sys

import keras
import numpy as np
import tensorflow as tf
import xarray as xr

from helpers.catalogue import Network
from helpers.data import Dataset
from helpers.networks import make_mlp
from helpers.training import keras_signals, keras_statistics, optimizers, recording
from helpers.training.plan import Plan

tf.get_logger().setLevel("ERROR")  # it warns of retracing, which is not the learner's business

BLOCK, BLOCKS = 32, 64  # recorded steps in a block, and blocks in a chunk: at most so many,
MEMORY = 32e6  # each in about so many bytes


def train_model(
    model: keras.Model,
    dataset: Dataset,
    *,
    loss: str | None = None,
    optimizer="rmsprop",
    learning_rate: float | None = None,
    clip: tuple[str, float] | None = None,
    epochs: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    record_every: int = 1,
    keep: tuple[str, ...] = (),
    progress=None,
    stop=None,
) -> xr.Dataset:
    """Train a Keras model that you built, in place as ``model.fit`` does, and record it.

    A layer of the recording is a kernel, by the name of its Keras layer; a recurrent layer has two,
    "lstm" and "lstm_recurrent". activation_*, delta_norm, saturation and dead need a
    pre-activation: they're there for every ``Dense`` of the model itself, whether the activation is
    its own or a layer that follows it, and NaN elsewhere. Accuracy is what ``model.evaluate`` would
    say, so batch normalisation uses its moving averages there.

    The model compiles in a second or more (a deep one takes longer, and up to 100 MB that are never
    freed); the next run of the same model and settings starts at once.

    Parameters
    ----------
    model : keras.Model
        Takes (num_examples, num_inputs), ends in a sigmoid for two classes, in a softmax for more.
        It needn't be compiled.
    The others as in `train`; an optimizer of yours is copied, so that every run starts fresh.

    Raises
    ------
    ValueError
        For a model that doesn't fit the data set or has no kernel, or a number out of range.
    """
    plan = Plan(dataset, loss, epochs, batch_size, seed, record_every, keep, progress, stop)
    _check_model(model, dataset)
    clip = optimizers.check_clip(clip)
    optimizer = optimizers.make(optimizer, learning_rate, clip)
    return _train(model, plan, optimizer, {"clip": clip})


def _train(model, plan, optimizer, attrs):
    """Run the program of a checked model, part by part."""
    dataset = plan.dataset
    program = _program(
        model,
        len(dataset),
        plan.batch_size,
        dataset.num_outputs,
        plan.loss,
        optimizer,
        bool(plan.keep),
    )
    program.reset()
    carried = tf.zeros((), program.dtype), tf.constant(-1)
    fixed = tf.constant(dataset.x, program.dtype), tf.constant(dataset.y, program.dtype)
    every = plan.record_every
    numbers = tf.constant(every), tf.constant(plan.steps_per_epoch)
    names = list(program.kernels)
    parts = []
    for first, steps in plan.chunks(min(program.rows, (program.rows - 1) * every)):
        # always so many batches: another number would be another program
        batches = np.zeros((program.rows, plan.batch_size), np.int32)
        batches[:steps] = plan.batches[first : first + steps]
        only_measure = first == plan.num_steps
        rows = 1 if only_measure else -(-(first + steps) // every) + -first // every
        carried, table, arrays = program.run(
            carried,
            *fixed,
            tf.constant(batches),
            tf.constant(first),
            tf.constant(steps),
            *numbers,
            tf.constant(only_measure),
        )
        parts.append(_unpack(program, names, rows, table.numpy(), arrays))
    if program.is_new:
        program.is_new = False
        _give_memory_back()
    arrays = {
        name: np.concatenate([part[name] for part in parts], axis=1)
        for name in parts[0]
        if name not in ("kernel", "gradient") or name in plan.keep
    }
    attrs = attrs | {
        "model": model.name,
        "optimizer": optimizer.name,
        "learning_rate": float(optimizer.learning_rate),
        "compiled": "XLA" if has_xla() else "tf.function",
    }
    return recording.finish(plan, arrays, names, np.atleast_1d(carried[1].numpy()), attrs)


def train_networks(
    network: Network, plan: Plan, optimizer, num_replicates: int, attrs: dict
) -> xr.Dataset:
    """Train networks of ``make_mlp`` in turn, as the replicates of one recording."""
    runs = []
    progress = plan.progress
    for replicate in range(num_replicates):
        if progress is not None:
            plan.progress = functools.partial(_tell, progress, replicate, num_replicates)
        model = make_mlp(
            network.activation,
            network.initializer,
            depth=network.depth,
            width=network.width,
            num_inputs=plan.dataset.num_inputs,
            num_outputs=plan.dataset.num_outputs,
            seed=plan.seed,
            replicate=replicate,
            normalization=network.normalization,
            residual=network.residual,
        )
        fresh = optimizers.make(optimizer, None, None)  # it belongs to the variables of one model
        runs.append(_train(model, plan, fresh, attrs))
        if plan.stopped:
            break
    numbers = xr.DataArray(range(len(runs)), dims="replicate", name="replicate")
    together = xr.concat(runs, numbers)
    for name in ("diverged_at", "dead_at"):
        steps = [run.attrs[name] for run in runs if run.attrs[name] >= 0]
        together.attrs[name] = min(steps, default=-1)
    together.attrs["stopped"] = runs[-1].attrs["stopped"]
    return together


def _tell(progress, replicate, num_replicates, share):
    progress((replicate + share) / num_replicates)


def _check_model(model, dataset):
    """Raise a ``ValueError`` unless `model` takes and gives what `dataset` holds."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"model must be a keras.Model; got {type(model).__name__}.")
    if not model.built:
        model.build((None, dataset.num_inputs))
    shapes = model.input_shape, model.output_shape
    fits = (None, dataset.num_inputs), (None, dataset.num_outputs)
    if shapes != fits:
        raise ValueError(
            f"the model takes {shapes[0]} to {shapes[1]}, but {dataset.name!r} needs "
            f"{fits[0]} to {fits[1]}."
        )
    if not keras_signals.kernels(model):
        raise ValueError(f"the model {model.name!r} has no kernel to train and to record.")


def _give_memory_back():
    """Return to the system what compiling needed for a moment: glibc would keep some 150 MB."""
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)


# ---------------------------------------------------------------- the program


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
        self.kernels, self.taps = keras_signals.kernels(model), keras_signals.taps(model)
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
        self.run = tf.function(self._run, autograph=False, jit_compile=has_xla())

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
        places = {
            name: next(i for i, v in enumerate(variables) if v is kernel)
            for name, kernel in self.kernels.items()
        }
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
            caught = {}
            with tf.GradientTape() as tape, keras_signals.tapped(self.taps, caught):
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

        def array(*shape):
            return tf.TensorArray(
                self.dtype, self.rows // self.block, element_shape=shape, clear_after_read=False
            )

        count = 2 + len(keras_statistics.OF_KERNEL) * len(self.kernels)
        count += (len(keras_statistics.OF_SIGNALS)) * len(self.taps)
        arrays = [array(self.block, *shape) for shape in self._kept(self.shapes)]
        slots = (first + steps + every - 2) // every - recorded_before + 1
        used = (slots + self.block - 1) // self.block
        state = tf.constant(0), *carried, array(count, self.block), arrays
        _, score, failed, tables, arrays = loop(0, used, some_steps, state)
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
            table = keras_statistics.kernel_statistics(gradient, before, after - before, size)
            columns.append(flat(table))
        of_taps = zip(self.of_taps.values(), groups[len(self.of_kernels) :], strict=True)
        for names, arrays in of_taps:
            a, slope, delta = (tf.transpose(array, (0, 1, 3, 2)) for array in arrays)
            delta *= self.batch_size  # dL_i/dz, where L is the mean of the L_i
            largest = np.array([self.largest[name] for name in names])[:, None, None]
            table = keras_statistics.signal_statistics(a, slope, delta, largest, a.shape[-2])
            columns.append(flat(table))
        return tf.concat(columns, axis=0)


def _program(model, num_examples, batch_size, num_outputs, loss, optimizer, keep) -> Program:
    """Return the program for these settings, made only if `model` has none yet."""
    programs = model.__dict__.setdefault("_recorded_programs", {})
    settings = json.dumps(
        keras.saving.serialize_keras_object(optimizer), sort_keys=True, default=str
    )
    key = (num_examples, batch_size, loss, settings, keep)
    if key not in programs:
        programs[key] = Program(model, num_examples, batch_size, num_outputs, loss, optimizer, keep)
    return programs[key]


def _unpack(program, names, rows, blocks, arrays):
    """Turn what a chunk returned into {name: array (1, row, layer, ...)}."""
    flat = blocks.swapaxes(0, 1).reshape(blocks.shape[1], -1)[:, :rows]
    part = {"loss": flat[None, 0], "accuracy": flat[None, 1]}
    of_kernels, of_taps = (
        [names.index(name) for group in groups.values() for name in group]
        for groups in (program.of_kernels, program.of_taps)
    )
    count = len(keras_statistics.OF_KERNEL)
    table = np.full((len(keras_statistics.BY_LAYER), len(names), rows), np.nan, flat.dtype)
    split = 2 + count * len(names)
    both = (of_kernels, table[:count], flat[2:split]), (of_taps, table[count:], flat[split:])
    for places, part_of, values in both:
        part_of[:, places] = values.reshape(len(places), len(part_of), rows).swapaxes(0, 1)
    part |= {name: table[index].T[None] for index, name in enumerate(keras_statistics.BY_LAYER)}
    if arrays:
        arrays = [array.numpy() for array in arrays]
        arrays = [array.reshape(-1, 1, *array.shape[2:])[:rows] for array in arrays]
        layers = [array[:, :, number] for array in arrays for number in range(array.shape[2])]
        for name, some in (("gradient", layers[: len(names)]), ("kernel", layers[len(names) :])):
            in_order = dict(zip(of_kernels, some, strict=True))
            part[name] = recording.pad([in_order[place] for place in range(len(names))])
    return part
