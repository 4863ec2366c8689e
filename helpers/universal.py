"""The one compiled training loop: almost every network of the course, in one XLA program.

XLA compiles for fixed shapes, and a compiled program is never freed. So what a learner changes
is an argument here: hidden layers lie in one stack, back-propagation is written out as a loop over
it, a switch picks the activation, one rule with nine numbers is every optimizer, and a narrower
network is the first units of a layer with room for more (the others are held at 0, and so weigh
nothing). Arrays are (replicates, units, examples): the examples last, side by side in memory.

A layer's parameters are one block of rows: the kernel (fan_in, fan_out), then the bias, and in a
hidden layer the slope that PReLU learns and the scale and offset of batch normalisation.

Each step writes what back-propagation needs anyway into the next rows of one long buffer; the
statistics are computed afterwards, for all steps of a chunk together.
"""

import functools
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from helpers.catalogue import RRELU_DIVISORS, RRELU_SLOPE, Activation
from helpers.measure import BATCH_EPSILON, OUTPUT_SLOPE, SATURATED

DEPTH = 50  # the stack holds a multiple of this many layers
EXTRA_ROWS = 4  # of a hidden layer's block, below its kernel
NUM_SLOTS = 2  # what an optimizer remembers of each weight: mean gradient and mean square
ROWS, ROW_MEMORY = 2048, 16e6  # of the long buffer: at most that many, in about so many bytes
WIDTHS = (8, 16, 32, 64)  # a network takes the next of these; a wider one a program of its own
# sums written out beat a call of the matrix product up to this fan-in (for several replicates,
# only where the product would have to be transposed)
SMALL = 8

OF_KERNEL = (
    "gradient_mean", "gradient_std", "gradient_norm", "weight_mean", "weight_std", "update_ratio",
)  # fmt: skip
BY_LAYER = (
    *OF_KERNEL, "delta_norm", "activation_mean", "activation_std", "saturation", "dead",
)  # fmt: skip


class Spec(NamedTuple):
    """What a program is compiled for. Everything else is an argument of each run."""

    num_examples: int
    num_inputs: int
    width: int  # room for so many units
    num_outputs: int
    batch_size: int
    num_replicates: int
    clip: str | None
    loss: str
    normalization: str | None
    activations: tuple[Activation, ...]
    layers: int  # room for so many
    keep: bool  # return the kernels and gradients themselves, too
    num_probes: int  # inputs after the examples, whose outputs are recorded with the accuracy
    dtype: str

    @property
    def rows(self) -> int:
        """Rows of the long buffer: one for each hidden layer of each step of a chunk."""
        numbers = self.width * (4 * self.batch_size + 3 * (self.width + EXTRA_ROWS))
        fit = int(ROW_MEMORY / (numbers * self.num_replicates * np.dtype(self.dtype).itemsize))
        return max(self.layers * 2, min(ROWS, fit))

    @property
    def room(self) -> int:
        """How many steps a chunk takes at most, and how many it can record at depth 1 or 2."""
        return self.rows // 2

    def steps(self, depth: int) -> int:
        """How many steps can be recorded in one chunk."""
        return min(self.rows // depth, self.room)


def room_for(width: int) -> int:
    """How many units the program has that serves networks of this width."""
    return next((room for room in WIDTHS if width <= room), width)


def rule(optimizer: str, constants: dict[str, float]) -> list[float]:
    """Write an optimizer of Keras as the nine numbers of `optimizer_step`.

    Epsilon stands inside RMSprop's root, and outside Adam's (Keras 3, read in its source).
    """
    if optimizer == "sgd":
        return [0, 1, 0, 0, 0, 0, 0, 0, 0]
    if optimizer == "momentum":
        return [constants["momentum"], 1, 0, 0, 0, 0, 0, 0, 0]
    if optimizer == "rmsprop":
        rho = constants["rho"]
        return [0, 1, rho, 1 - rho, 1, constants["epsilon"], 0, 0, 0]
    mean, square = constants["beta_1"], constants["beta_2"]
    return [mean, 1 - mean, square, 1 - square, 1, 0, constants["epsilon"], mean, square]


def optimizer_step(gradient, slots, rate, numbers):
    """One update: (what to add to the weights, the new slots).

    mean <- keep mean + take gradient, square <- keep square + take gradient^2; the update is -rate
    times the mean, divided by sqrt(square + inside) + outside if the rule is scaled.
    """
    keep, take, keep_square, take_square, scaled, inside, outside = tf.unstack(numbers[:7])
    mean = keep * slots[0] + take * gradient
    square = keep_square * slots[1] + take_square * gradient**2
    scale = tf.where(scaled > 0, tf.sqrt(square + inside) + outside, tf.ones_like(square))
    return -rate * mean / scale, (mean, square)


def unbiased(rate, numbers, count):
    """Correct the rate for means that began at 0, as Adam does; `count` is 1 at first."""
    mean, square = numbers[7], numbers[8]
    return rate * tf.sqrt(1 - square**count) / (1 - mean**count)


def random_slopes(keys, step, layer, units, examples, dtype):
    """Draw RReLU's slopes 1/a, a ~ U(3, 8): (replicates, units, examples).

    A hash of its arguments, not a stream: the same in any order, on any machine, compiled or not
    (TensorFlow's own generators differ between XLA and eager).
    """
    numbers = tf.reshape(tf.range(units * examples), (1, units, examples))
    place = _hash(tf.cast(step, tf.uint32) + _hash(keys)[:, None, None])
    place = _hash(tf.cast(layer, tf.uint32) + place)
    bits = _hash(tf.cast(numbers, tf.uint32) + place)
    uniform = tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), dtype) / 2**24
    low, high = RRELU_DIVISORS
    return 1 / (low + (high - low) * uniform)


def replicate_keys(seed: int, num_replicates: int) -> np.ndarray:
    """Return the key of each replicate for `random_slopes`, uint32."""
    sequences = (
        np.random.SeedSequence([seed, replicate], spawn_key=(1,))
        for replicate in range(num_replicates)
    )
    return np.array([sequence.generate_state(1)[0] for sequence in sequences], np.uint32)


def _hash(x):
    """Mix the bits of uint32 numbers (Chris Wellons' lowbias32)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(shift, tf.uint32)))
        x *= tf.constant(factor, tf.uint32)
    return x


def _branch(entry):
    """Make (z, slope of the layer, random slopes or None) -> (phi(z), phi'(z)) of one entry."""

    def sigmoid(z, slope, draw):
        # XLA compiles its own one number at a time, four times as slow
        small = tf.exp(-tf.abs(z))
        a = tf.where(z > 0, 1 / (1 + small), small / (1 + small))
        return a, a * (1 - a)

    def fixed(z, slope, draw):
        with tf.GradientTape() as tape:
            tape.watch(z)
            a = keras.activations.get(entry.keras)(z)
        return a, tape.gradient(a, z, unconnected_gradients="zero")

    def leaky(z, slope, draw):
        if entry.slope_kind == "random":
            slope = tf.constant(RRELU_SLOPE, z.dtype) if draw is None else draw(z)
        slope = tf.where(z > 0, tf.ones_like(z), slope * tf.ones_like(z))
        return slope * z, slope

    if entry.keras == "sigmoid":
        return sigmoid
    return fixed if entry.slope is None else leaky


def branch_numbers(activations) -> list[int]:
    """Tell which branch of the switch each entry takes: the leaky ones share, by their slope.

    Each branch costs a tenth of a second to compile.
    """
    keys = [
        entry if entry.slope is None or entry.slope_kind == "random" else "leaky"
        for entry in activations
    ]
    return [list(dict.fromkeys(keys)).index(key) for key in keys]


def _times(kernel, a):
    """W^T a for every replicate: (fan_in, fan_out), (fan_in, examples) -> (fan_out, examples)."""
    if kernel.shape[1] <= SMALL:
        return sum(kernel[:, k, :, None] * a[:, k, None, :] for k in range(kernel.shape[1]))
    return tf.matmul(kernel, a, transpose_a=True)


def _back_through(kernel, delta):
    """W delta for every replicate."""
    if kernel.shape[0] == 1 and kernel.shape[2] <= SMALL:
        return sum(kernel[:, :, k, None] * delta[:, k, None, :] for k in range(kernel.shape[2]))
    return tf.matmul(kernel, delta)


def _outer(below, delta):
    """Sum over the examples of a delta^T: (fan_in, examples), (fan_out, examples) -> a kernel."""
    if delta.shape[0] == 1 and below.shape[1] <= SMALL and delta.shape[1] <= SMALL:
        return tf.reduce_sum(below[:, :, None, :] * delta[:, None, :, :], axis=-1)
    return tf.matmul(below, delta, transpose_b=True)


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


@functools.cache
def program(spec: Spec):
    """Make the chunk of training for `spec`; kept for good, as TensorFlow keeps it anyway.

    The program takes ``(blocks, slots, carried, x, y, keys, batches, first, steps, every, settings,
    choice)`` and returns ``(blocks, slots, carried, loss and accuracy, statistics, arrays)``.
    blocks: those of the first layer, of the stack of hidden layers 2 and up, and of the output.
    """
    numbers = branch_numbers(spec.activations)
    branches = [_branch(spec.activations[numbers.index(n)]) for n in range(max(numbers) + 1)]
    replicates, width, dtype = spec.num_replicates, spec.width, tf.as_dtype(spec.dtype)
    height = width + EXTRA_ROWS

    def activate(z, slope, choice, draw):
        calls = [functools.partial(branch, z, slope, draw) for branch in branches]
        return tf.switch_case(choice["branch"], calls) if len(calls) > 1 else calls[0]()

    def only_units(values, choice, other=0):
        """Hold the units that the network hasn't got at `other`, whatever else explodes."""
        there = tf.range(width)[:, None] < choice["width"]
        return tf.where(there, values, tf.ones_like(values) * tf.cast(other, dtype))

    def only_weights(gradient, choice, *axes):
        """Do so with the rows of a block, its columns or both, and what stands below its kernel."""
        for axis in axes:
            place = tf.range(gradient.shape[axis])
            there = (place < choice["width"]) | (place >= width)
            there = there[:, None] if axis == 1 else there
            gradient = tf.where(there, gradient, tf.zeros_like(gradient))
        return gradient

    def normalise(block, u):
        """Z, the normalised u, and what u was divided by."""
        examples = u[:, :, : spec.num_examples]  # all of a batch; no probes
        mean, variance = tf.nn.moments(examples, axes=[2], keepdims=True)
        spread = tf.sqrt(variance + tf.constant(BATCH_EPSILON, dtype))
        centred = (u - mean) / spread
        return block[:, -2, :, None] * centred + block[:, -1, :, None], centred, spread

    def normalise_back(block, u, delta):
        """Z, delta by u instead of z, and the gradients of scale and offset."""
        z, centred, spread = normalise(block, u)
        offset, scale = tf.reduce_sum(delta, axis=2), tf.reduce_sum(delta * centred, axis=2)
        shared = (offset[..., None] + centred * scale[..., None]) / u.shape[2]
        return z, block[:, -2, :, None] * (delta - shared) / spread, scale, offset

    def enter(block, below):
        """Find what a layer's activation will see, and the rows below its kernel."""
        fan_in = block.shape[1] - EXTRA_ROWS
        u = _times(block[:, :fan_in], below) + block[:, fan_in, :, None]
        return u, block[:, fan_in:]

    def hidden_forward(head, hidden, inputs, choice, draw, record, buffers):
        """All hidden layers -> the last activation, the stack as it was, and the buffers.

        The switch over activations is the dear part to compile, so the first layer takes the same
        loop: only how its u came about is its own. (The last turn computes one u in vain.)
        """

        def layer(number, u, rows, below, hidden, *buffers):
            z = normalise(rows, u)[0] if spec.normalization else u
            phi, slope = activate(z, rows[:, 1, :, None], choice, draw and draw(number + 1))
            phi = only_units(phi, choice)
            slope = only_units(slope, choice, choice["largest"])
            a = tf.where(choice["residual"], phi + below, phi)
            buffers = record(number, (a, u, slope), buffers)
            following = hidden.read(tf.minimum(number + 1, spec.layers - 1))
            return *enter(following, a), a, hidden, *buffers

        u, rows = enter(head, inputs)
        start = u, rows, tf.zeros_like(u), hidden, *buffers
        _, _, a, hidden, *buffers = loop(0, choice["depth"], layer, start)
        return a, hidden, buffers

    def layer_backward(block, below, u, slope, into_a, choice, skips):
        """Delta, the gradient of the block, and dL/da of the layer below."""
        fan_in = block.shape[1] - EXTRA_ROWS
        delta = only_units(slope * into_a, choice)
        none = tf.zeros(delta.shape[:2], dtype)
        z, delta_u, scale, offset = u, delta, none, none
        if spec.normalization:
            z, delta_u, scale, offset = normalise_back(block, u, delta)
        tilt = tf.where(choice["learned"], into_a * tf.minimum(z, 0), tf.zeros_like(z))
        rows = [tf.reduce_sum(delta_u, axis=2), tf.reduce_sum(tilt, axis=2), scale, offset]
        gradient = tf.concat([_outer(below, delta_u), tf.stack(rows, axis=1)], axis=1)
        gradient = only_weights(gradient, choice, *((1, 2) if skips else (2,))) / spec.batch_size
        into_below = _back_through(block[:, :fan_in], delta_u)
        if skips:
            into_below = tf.where(choice["residual"], into_below + into_a, into_below)
        return delta, gradient, into_below

    def outputs_of(block, below):
        logits = _times(block[:, :-1], below) + block[:, -1, :, None]
        squash = tf.sigmoid(logits) if spec.num_outputs == 1 else tf.nn.softmax(logits, axis=1)
        return logits, squash

    def loss_of(logits, outputs, target):
        """Find the loss of each example (replicates, examples), and its delta."""
        if spec.loss == "mean_squared_error":
            error = outputs - target
            pull = 2 * error / spec.num_outputs
            if spec.num_outputs > 1:
                pull -= tf.reduce_sum(pull * outputs, axis=1, keepdims=True)
                return tf.reduce_mean(error**2, axis=1), pull * outputs
            return error[:, 0] ** 2, pull * outputs * (1 - outputs)
        target = tf.broadcast_to(target, logits.shape)
        if spec.num_outputs == 1:
            losses = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)[:, 0]
        else:
            losses = tf.nn.softmax_cross_entropy_with_logits(target, logits, axis=1)
        return losses, outputs - target

    def target_of(y):
        if spec.num_outputs == 1:
            return y[None, None]
        return tf.transpose(tf.one_hot(tf.cast(y, tf.int32), spec.num_outputs, dtype=dtype))[None]

    def accuracy(blocks, x, y, choice):
        """Find accuracy and outputs at the probes (replicates, 1 + num_probes), and the stack."""
        head, hidden, last = blocks
        inputs = tf.transpose(x)[None]
        a, hidden, _ = hidden_forward(head, hidden, inputs, choice, None, lambda *_: (), ())
        logits, outputs = outputs_of(last, a)
        if spec.num_outputs == 1:
            said, classes = outputs[:, 0], tf.cast(logits[:, 0] > 0, dtype)
        else:
            said = classes = tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32), dtype)
        right = tf.cast(classes[:, : spec.num_examples] == y, dtype)
        right = tf.reduce_mean(right, axis=1, keepdims=True)
        return tf.concat([right, said[:, spec.num_examples :]], axis=1), hidden

    def clipped(gradient, extra, factor, threshold):
        if spec.clip == "global_norm":
            return gradient * factor
        if spec.clip == "value":
            return tf.clip_by_value(gradient, -threshold, threshold)
        if spec.clip == "norm":  # of every variable by itself: the kernel, and each row below it
            squares = gradient**2
            rows = tf.reduce_sum(squares[:, -extra:], axis=2, keepdims=True)
            kernel = tf.reduce_sum(squares[:, :-extra], axis=[1, 2], keepdims=True)
            fan_in = gradient.shape[1] - extra
            norms = tf.sqrt(tf.concat([tf.repeat(kernel, fan_in, axis=1), rows], axis=1))
            return gradient * threshold / tf.maximum(norms, threshold)
        return gradient

    def run(blocks, slots, carried, x, y, keys, batches, first, steps, every, settings, choice):
        depth = choice["depth"]
        rate, threshold, numbers = settings[0], settings[1], settings[2:]

        def array(size, *shape):
            return tf.TensorArray(
                dtype, size, element_shape=(replicates, *shape), clear_after_read=False
            )

        def stack_of(blocks):
            stack = array(spec.layers, height, width).unstack(blocks[1])
            return blocks[0], stack, blocks[2]

        def step(number, blocks, slots, carried, buffers, short, scores):
            now = first + number
            # overwritten until its last step, k * every
            slot = (now + every - 1) // every - (first + every - 1) // every
            row = slot * depth
            chosen = tf.gather(batches, number)
            inputs = tf.transpose(tf.gather(x, chosen))[None]
            target = target_of(tf.gather(y, chosen))
            now_rate = unbiased(rate, numbers, tf.cast(now + 1, dtype))

            def draw(layer):
                size = spec.batch_size
                return lambda z: random_slopes(keys, now, layer, width, size, dtype)

            def update(block, block_slots, gradient, extra, factor):
                gradient = clipped(gradient, extra, factor, threshold)
                change, new = optimizer_step(gradient, block_slots, now_rate, numbers)
                return block + change, new, change

            # forward
            head, hidden, last = blocks

            def record(layer, values, buffers):
                pairs = zip(buffers, values, strict=True)
                return [buffer.write(row + layer, value) for buffer, value in pairs]

            def evaluate():
                return accuracy((head, hidden, last), x, y, choice)

            # the stack goes through whatever reads it, on to what writes it: elsewise XLA, not
            # knowing which comes first, copies all of it, twice a step
            begins = needs_accuracy(now, every, choice["epoch"], steps)
            score, hidden = tf.cond(begins, evaluate, lambda: (carried[0], hidden))
            a, hidden, (activations, before, slopes) = hidden_forward(
                head, hidden, inputs, choice, draw, record, buffers[:3]
            )
            logits, outputs = outputs_of(last, a)
            losses, delta = loss_of(logits, outputs, target)
            loss = tf.reduce_mean(losses, axis=1)

            failed = tf.where(
                (carried[1] < 0) & ~tf.math.is_finite(loss),
                tf.ones_like(carried[1]) * now,
                carried[1],
            )

            # backward; with a global norm to clip, a first time only for that norm
            bias = tf.reduce_sum(delta, axis=2)[:, None]
            gradient_last = tf.concat([_outer(a, delta), bias], axis=1)
            gradient_last = only_weights(gradient_last, choice, 1) / spec.batch_size
            into_last = _back_through(last[:, :-1], delta)

            def back(layer, block, into):
                here = row + layer
                return layer_backward(
                    block, activations.read(here - 1), before.read(here), slopes.read(here), into,
                    choice, True,
                )  # fmt: skip

            def back_head(into):
                return layer_backward(
                    head, inputs, before.read(row), slopes.read(row), into, choice, False
                )[:2]

            def square(gradient):
                return tf.reduce_sum(gradient**2, axis=[1, 2], keepdims=True)

            factor = None
            if spec.clip == "global_norm":

                def add_square(layer, into, total):
                    _, gradient, into = back(layer, hidden.read(layer), into)
                    return into, total + square(gradient)

                into, total = loop(
                    depth - 1, 0, add_square, (into_last, square(gradient_last)), by=-1
                )
                norm = tf.sqrt(total + square(back_head(into)[1]))
                factor = threshold * tf.minimum(1 / norm, 1 / threshold) + (norm - norm)

            def backward(layer, into, block, block_slots, hidden, hidden_slots, deltas, records):
                # the block comes in as a loop variable, read ahead after the last write: a stack
                # that is only written here needs no copy
                delta, gradient, into = back(layer, block, into)
                new, new_slots, change = update(block, block_slots, gradient, EXTRA_ROWS, factor)
                hidden = hidden.write(layer, new)
                hidden_slots = [
                    s.write(layer, n) for s, n in zip(hidden_slots, new_slots, strict=True)
                ]
                records = [
                    record.write(row + layer, value)
                    for record, value in zip(records, (gradient, block, change), strict=True)
                ]
                return (
                    into, hidden.read(layer - 1), [s.read(layer - 1) for s in hidden_slots],
                    hidden, hidden_slots, deltas.write(row + layer, delta), records,
                )  # fmt: skip

            hidden_slots = [slot[1] for slot in slots]
            into, _, _, hidden, hidden_slots, deltas, records = loop(
                depth - 1, 0, backward,
                (into_last, hidden.read(depth - 1), [s.read(depth - 1) for s in hidden_slots],
                 hidden, hidden_slots, buffers[3], buffers[4:]),
                by=-1,
            )  # fmt: skip
            delta_head, gradient_head = back_head(into)
            deltas = deltas.write(row, delta_head)
            new_head, head_slots, change_head = update(
                head, [s[0] for s in slots], gradient_head, EXTRA_ROWS, factor
            )
            new_last, last_slots, change_last = update(
                last, [s[2] for s in slots], gradient_last, 1, factor
            )

            values = (
                gradient_head,
                head,
                change_head,
                gradient_last,
                last,
                change_last,
                delta,
                outputs,
            )
            short = [s.write(slot, value) for s, value in zip(short, values, strict=True)]
            scores = [s.write(slot, value) for s, value in zip(scores, (loss, score), strict=True)]
            slots = list(zip(head_slots, hidden_slots, last_slots, strict=True))
            buffers = [activations, before, slopes, deltas, *records]
            return (new_head, hidden, new_last), slots, (score, failed), buffers, short, scores

        examples, outputs, room = spec.batch_size, spec.num_outputs, spec.room
        head_shape = (spec.num_inputs + EXTRA_ROWS, width)
        last_shape = (width + 1, outputs)
        buffers = [array(spec.rows, width, examples) for _ in range(4)]
        buffers += [array(spec.rows, height, width) for _ in range(3)]
        short = [array(room, *head_shape) for _ in range(3)]
        short += [array(room, *last_shape) for _ in range(3)]
        short += [array(room, outputs, examples) for _ in range(2)]
        scores = [array(room), array(room, 1 + spec.num_probes)]
        blocks, slots, carried, buffers, short, scores = loop(
            0, steps, step,
            (stack_of(blocks), [stack_of(slot) for slot in slots], carried, buffers, short, scores),
        )  # fmt: skip

        def whole(blocks):
            return blocks[0], blocks[1].stack(), blocks[2]

        a, _, slope, delta, *hidden_kernels = [buffer.stack() for buffer in buffers]
        short = [s.stack() for s in short]
        hidden_kernels = [k[:, :, :width] for k in hidden_kernels]
        head_kernels = [k[:, :, : spec.num_inputs] for k in short[:3]]
        last_kernels = [k[:, :, :width] for k in short[3:6]]
        last_slope = short[7] * (1 - short[7])
        units = choice["width"]
        of_hidden = signal_statistics(a, slope, delta, choice["largest"], units)
        of_last = signal_statistics(short[7], last_slope, short[6], OUTPUT_SLOPE, outputs)
        statistics = (
            kernel_statistics(*head_kernels, spec.num_inputs * units),
            tf.concat([kernel_statistics(*hidden_kernels, units * units), of_hidden], axis=0),
            tf.concat([kernel_statistics(*last_kernels, units * outputs), of_last], axis=0),
        )
        arrays = (head_kernels[:2], hidden_kernels[:2], last_kernels[:2]) if spec.keep else ()
        scores = [s.stack() for s in scores]
        return whole(blocks), [whole(slot) for slot in slots], carried, scores, statistics, arrays

    return tf.function(run, autograph=False, jit_compile=has_xla())


def _sums(*values):
    """Sum each over the last two axes, in float64.

    In two stages, since XLA adds along the last axis one number at a time, along the others many
    (and without the stack between them it would make one stage of the two).
    """
    columns = [tf.reduce_sum(tf.cast(value, tf.float64), axis=-2) for value in values]
    return tf.unstack(tf.reduce_sum(tf.stack(columns), axis=-1))


def _moments(values, count):
    """Mean, standard deviation and sum of squares over the last two axes, in float64.

    There the square of the smallest float32 is still a number, and a mean of squares minus a
    squared mean is exact enough.
    """
    total, squares = _sums(values, tf.cast(values, tf.float64) ** 2)
    mean = total / count
    return mean, tf.sqrt(tf.maximum(squares / count - mean**2, 0)), squares


def kernel_statistics(gradient, kernel, change, count):
    """Find the statistics OF_KERNEL of arrays (rows, replicates, fan_in, fan_out).

    `count` is how many entries aren't 0 for want of a unit.
    """
    count = tf.cast(count, tf.float64)
    mean, std, squares = _moments(gradient, count)
    weight_mean, weight_std, _ = _moments(kernel, count)
    ratio = _moments(change, count)[1] / weight_std
    table = [mean, std, tf.sqrt(squares), weight_mean, weight_std, ratio]
    return tf.cast(tf.stack(table), gradient.dtype)


def signal_statistics(a, slope, delta, largest, units):
    """Find the others of BY_LAYER, of arrays (rows, replicates, units, examples)."""
    examples, units = a.shape[-1], tf.cast(units, tf.float64)
    mean, std, _ = _moments(a, units * examples)
    delta_norm = tf.sqrt(_moments(delta, units)[2] / examples)
    saturated = tf.abs(slope) < tf.cast(SATURATED * largest, slope.dtype)
    (num_saturated,) = _sums(saturated)
    dead = tf.reduce_all(slope == 0, axis=-1)
    shares = [
        num_saturated / (units * examples),
        tf.reduce_sum(tf.cast(dead, tf.float64), axis=-1) / units,
    ]
    return tf.cast(tf.stack([delta_norm, mean, std, *shares]), a.dtype)
