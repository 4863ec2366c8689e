"""The training engine: plain loops over steps, layers, units and examples, compiled by numba.

Signals are laid out (unit, example) in flat rows: the innermost loop runs over the examples of a
batch, side by side in memory, so that the processor takes 8 or 16 of them at a time, however narrow
the layer is. Everything a learner can change is an argument, so one compiled program serves every
network; float32 and float64 are the only two kinds. Nothing is allocated inside the loop over
steps, and the interpreter's lock is released: replicates run in threads of their own.

Numba keeps compiled functions on disk and notices changes of the file that a function stands in,
not of those it calls into. So the whole loop stands in this one file; activations come as pointers.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

# Published constants; changing one would need a change of this file, too (see above).
from helpers.catalogue import RRELU_DIVISORS
from helpers.training.compiling import EXACT, FAST, as_pointer, compiled, product_signature

fast = compiled(FAST)
inlined = compiled(FAST, inlined=True)

NOT_NORMALIZED, OVER_EXAMPLES, OVER_UNITS = range(3)
CROSS_ENTROPY, SQUARED_ERROR = range(2)
UNCLIPPED, CLIP_GLOBAL_NORM, CLIP_NORM, CLIP_VALUE = range(4)
# what a row of `offsets` points at; the last is where the layer's parameters end
KERNEL, BIAS, SLOPE, SCALE, OFFSET, END = range(6)

STATISTICS = (
    "gradient_mean",
    "gradient_std",
    "gradient_norm",
    "weight_mean",
    "weight_std",
    "update_ratio",
    "delta_norm",
    "activation_mean",
    "activation_std",
    "saturation",
    "dead",
)

BLAS_SIZE = 1600  # entries of a kernel from which BLAS beats the plain loops
SCORE_EXAMPLES = 256  # examples that the accuracy looks at together: they fit the processor's cache
# Sums of squares in float32 are right within these bounds; beyond, they are taken in float64.
SMALLEST_SQUARES, LARGEST_SQUARES = 1e-30, 1e36


class Structure(NamedTuple):
    """What a network is made of, for all replicates alike."""

    sizes: np.ndarray  # (layers + 1,), int64: the inputs, then the units of every layer
    offsets: np.ndarray  # (layers, 6), int64: where in a row of parameters each part begins
    phi: object  # pointer to the loop of the hidden layers' activation
    softplus: object  # and of ln(1 + e^z), whose slope is the sigmoid
    multiply: object  # pointer to BLAS
    leaky: bool  # the activation is max(0, z) + alpha min(0, z), and phi is not used
    alpha: float  # that slope, of a network at rest
    learned: bool  # it is a parameter of each unit
    random: bool  # it is drawn for each unit, example and step
    residual: bool
    normalized: int  # NOT_NORMALIZED, OVER_EXAMPLES or OVER_UNITS
    centred: bool
    epsilon: float
    saturated: float  # |phi'| below this counts as saturated in a hidden layer
    output_saturated: float  # and in the output layer


class Job(NamedTuple):
    """What is to be done, for all replicates alike. f stands for float32 or float64."""

    x: np.ndarray  # (num_examples + num_probes, num_inputs), f
    y: np.ndarray  # (num_examples,), f
    batches: np.ndarray  # (steps + 1 or more, batch_size), int32: which examples
    per_epoch: int
    num_steps: int
    every: int  # steps from one recorded row to the next
    loss: int
    optimizer: np.ndarray  # (8,), f: the numbers of ``optimizers.Update``
    rate: float
    clip: int
    threshold: float


class State(NamedTuple):
    """What goes on from step to step, a row for each replicate."""

    parameters: np.ndarray  # (replicates, size), f
    mean: np.ndarray  # the same, or (replicates, 0) where the optimizer has no use for it
    square: np.ndarray  # the same
    score: np.ndarray  # (replicates, 1 + num_probes), f: accuracy, and what the probes get
    failed: np.ndarray  # (replicates,), int64: the first step without a finite loss, or -1
    keys: np.ndarray  # (replicates,), uint32: of the random slopes


class Record(NamedTuple):
    """What is written down, a row for each replicate and recorded step."""

    statistics: np.ndarray  # (replicates, rows, layers, len(STATISTICS)), f
    loss: np.ndarray  # (replicates, rows), f
    score: np.ndarray  # (replicates, rows, 1 + num_probes), f
    kernel: np.ndarray  # (replicates, rows, layers, fan_in, fan_out), f; or without rows
    gradient: np.ndarray  # the same


class Signals(NamedTuple):
    """Room for the signals of some examples, laid out (unit, example).

    A call hands over every field of every tuple, so a few large arrays are quicker than many. Layer
    l uses place l % places: a network that is only looked at forward needs two.
    """

    rows: np.ndarray  # (4, places, widest, examples), f: A, Z, PRIME and NORMAL
    flat: np.ndarray  # (4, places, widest * examples): the same memory
    spread: np.ndarray  # (places, units or examples): what u was divided by
    work: np.ndarray  # (4, widest * examples)


A, Z, PRIME, NORMAL = range(4)  # the inputs, then what each layer gives; z; phi'(z); normalised u


class Backward(NamedTuple):
    """Room for the way back."""

    rows: np.ndarray  # (4, widest, examples), f: DELTA, THROUGH and twice INTO
    flat: np.ndarray  # (4, widest * examples): the same memory
    vectors: np.ndarray  # (3, size): GRADIENT of the mean loss, CLIPPED, and CHANGE, the update


# dL_i/dz; dL_i/du, u being what the kernel gives; dL_i/da of a layer and of the one below in turn
DELTA, THROUGH, INTO = range(3)
GRADIENT, CLIPPED, CHANGE = range(3)


class Workspace(NamedTuple):
    """All that one thread works in."""

    batch: Signals
    whole: Signals  # for the accuracy, over the whole data set
    back: Backward


# ---------------------------------------------------------------- products with a kernel


LEFT_RIGHT, LEFT_T_RIGHT, LEFT_RIGHT_T = range(3)


def multiply(left, right, product, rows, inner, columns, which):
    """Let BLAS multiply two matrices, given flat: left right, left^T right or left right^T."""
    out = product[: rows * columns].reshape(rows, columns)
    if which == LEFT_T_RIGHT:
        transposed = left[: rows * inner].reshape(inner, rows).T
        np.dot(transposed, right[: inner * columns].reshape(inner, columns), out)
    elif which == LEFT_RIGHT_T:
        transposed = right[: inner * columns].reshape(columns, inner).T
        np.dot(left[: rows * inner].reshape(rows, inner), transposed, out)
    else:
        whole = right[: inner * columns].reshape(inner, columns)
        np.dot(left[: rows * inner].reshape(rows, inner), whole, out)


@functools.cache
def multiply_pointer(dtype: str):
    """Compile `multiply`; NumPy's dot counts who uses its arrays, so that option is set back."""
    return as_pointer(multiply, product_signature(dtype), _nrt=True)


@fast
def times_by_blas(product, theta, at, fan_in, units, a, examples, u):
    """W a + b into u, where a and u are flat."""
    product(theta[at[KERNEL] : at[BIAS]], a, u, units, fan_in, examples, LEFT_RIGHT)
    for j in range(units):
        row = u[j * examples : (j + 1) * examples]
        for i in range(examples):
            row[i] += theta[at[BIAS] + j]


@fast
def outer_by_blas(product, delta, a, fan_in, units, examples, gradient, at):
    """Mean over the examples of delta a^T, where delta and a are flat."""
    target = gradient[at[KERNEL] : at[BIAS]]
    product(delta, a, target, units, examples, fan_in, LEFT_RIGHT_T)
    share = target.dtype.type(1) / target.dtype.type(examples)
    for q in range(target.size):
        target[q] *= share


@inlined
def times(theta, at, fan_in, units, a, examples, u):
    """W a + b into u; a is (fan_in, examples), u is (units, examples)."""
    for j in range(units):
        first = at[KERNEL] + j * fan_in
        # a bare 1 would be a type of its own to numba, and compile everything below once more
        weighted_sum(theta, theta[at[BIAS] + j], first, np.int64(1), fan_in, a, examples, u[j])


@inlined
def back_through(theta, at, fan_in, units, delta, examples, into):
    """W^T delta into `into`; delta is (units, examples), into is (fan_in, examples)."""
    nothing = theta.dtype.type(0)
    for k in range(fan_in):
        first = at[KERNEL] + k
        weighted_sum(theta, nothing, first, fan_in, units, delta, examples, into[k])


@inlined
def weighted_sum(theta, start, first, stride, count, rows, examples, target):
    """Write start + the sum over k of theta[first + k stride] rows[k] into target.

    First so many rows that a multiple of four is left, then four in each pass over the examples.
    """
    rest = count % 4
    # all are set whatever the rest is: numba needs them to be there, and of one type
    w0 = theta[first] if rest > 0 else start
    w1 = theta[first + stride] if rest > 1 else start
    w2 = theta[first + 2 * stride] if rest > 2 else start
    row0 = rows[0]
    row1 = rows[min(1, count - 1)]
    row2 = rows[min(2, count - 1)]
    if rest == 0:
        for i in range(examples):
            target[i] = start
    elif rest == 1:
        for i in range(examples):
            target[i] = start + w0 * row0[i]
    elif rest == 2:
        for i in range(examples):
            target[i] = start + w0 * row0[i] + w1 * row1[i]
    else:
        for i in range(examples):
            target[i] = start + w0 * row0[i] + w1 * row1[i] + w2 * row2[i]
    for block in range(count // 4):
        k = rest + 4 * block
        q = first + k * stride
        w0 = theta[q]
        w1 = theta[q + stride]
        w2 = theta[q + 2 * stride]
        w3 = theta[q + 3 * stride]
        row0 = rows[k]
        row1 = rows[k + 1]
        row2 = rows[k + 2]
        row3 = rows[k + 3]
        for i in range(examples):
            target[i] += w0 * row0[i] + w1 * row1[i] + w2 * row2[i] + w3 * row3[i]


@inlined
def outer(delta, a, fan_in, units, examples, gradient, at):
    """Mean over the examples of delta a^T, and of delta: the gradients of kernel and bias.

    Four entries of the kernel in each pass over the examples, and the bias along with what is left.
    """
    f = gradient.dtype.type
    share = f(1) / f(examples)
    blocks = fan_in // 4
    for j in range(units):
        row = delta[j]
        first = at[KERNEL] + j * fan_in
        for block in range(blocks):
            k = 4 * block
            row0 = a[k]
            row1 = a[k + 1]
            row2 = a[k + 2]
            row3 = a[k + 3]
            sum0 = f(0)
            sum1 = f(0)
            sum2 = f(0)
            sum3 = f(0)
            for i in range(examples):
                sum0 += row[i] * row0[i]
                sum1 += row[i] * row1[i]
                sum2 += row[i] * row2[i]
                sum3 += row[i] * row3[i]
            gradient[first + k] = sum0 * share
            gradient[first + k + 1] = sum1 * share
            gradient[first + k + 2] = sum2 * share
            gradient[first + k + 3] = sum3 * share
        total = f(0)
        if 4 * blocks == fan_in:
            for i in range(examples):
                total += row[i]
        for k in range(4 * blocks, fan_in):
            row0 = a[k]
            sum0 = f(0)
            total = f(0)
            for i in range(examples):
                sum0 += row[i] * row0[i]
                total += row[i]
            gradient[first + k] = sum0 * share
        gradient[at[BIAS] + j] = total * share


@fast
def row_means(rows, units, examples, target, first):
    """Write the mean over the examples of each unit's row."""
    f = target.dtype.type
    share = f(1) / f(examples)
    for j in range(units):
        row = rows[j]
        total = f(0)
        for i in range(examples):
            total += row[i]
        target[first + j] = total * share


# ---------------------------------------------------------------- statistics


@fast
def norm_of(values):
    """Square root of the sum of squares, in float64 where float32 would lose it."""
    squares = values.dtype.type(0)
    for i in range(values.size):
        squares += values[i] * values[i]
    # a NaN is in no range, and so is recomputed, and stays one
    if SMALLEST_SQUARES < squares < LARGEST_SQUARES:
        return math.sqrt(float(squares))
    return math.sqrt(squares_apart(values, 0.0))


@fast
def moments(values):
    """Mean, standard deviation and norm, as float64."""
    f = values.dtype.type
    total = f(0)
    for i in range(values.size):
        total += values[i]
    mean = float(total) / values.size
    # squares of distances from the mean: a mean of squares less a squared mean has no digits left
    # where the values hardly differ
    centre = f(mean)
    squares = f(0)
    for i in range(values.size):
        squares += (values[i] - centre) * (values[i] - centre)
    spread = float(squares)
    if not SMALLEST_SQUARES < squares < LARGEST_SQUARES:
        spread = squares_apart(values, mean)
    norm = math.sqrt(spread + values.size * mean * mean)
    return mean, math.sqrt(spread / values.size), norm


@fast
def squares_apart(values, mean):
    """Sum of squared distances from the mean, in float64."""
    squares = 0.0
    for i in range(values.size):
        apart = float(values[i]) - mean
        squares += apart * apart
    return squares


@inlined
def measure_signals(delta, a, slope, units, examples, limit, row):
    """Write the statistics of one layer's signals; |phi'| below the limit is saturated.

    delta and a are flat, slope is (units, examples).
    """
    f = slope.dtype.type
    row[6] = norm_of(delta) / math.sqrt(examples)
    row[7], row[8], _ = moments(a)
    saturated = 0.0
    dead = 0
    # counted in the type of the slopes, many at a time; 2^24 examples would be too many for that
    for j in range(units):
        of_unit = slope[j]
        small = f(0)
        alive = f(0)
        for i in range(examples):
            small += f(1) if abs(of_unit[i]) < f(limit) else f(0)
            alive += f(1) if of_unit[i] != 0 else f(0)
        saturated += float(small)
        if alive == 0:
            dead += 1
    row[9] = saturated / (units * examples)
    row[10] = dead / units


@inlined
def measure_kernels(offsets, theta, gradient, change, statistics):
    """Write the statistics of every kernel, its gradient and the update about to be made."""
    for layer in range(offsets.shape[0]):
        first = offsets[layer, KERNEL]
        end = offsets[layer, BIAS]
        row = statistics[layer]
        row[0], row[1], row[2] = moments(gradient[first:end])
        row[3], row[4], _ = moments(theta[first:end])
        _, spread, _ = moments(change[first:end])
        row[5] = spread / row[4]


# ---------------------------------------------------------------- the leaky family


@fast
def leak(z, a, slope, theta, first, learned, alpha, units, examples):
    """max(0, z) + alpha min(0, z); a learned alpha stands at theta[first + unit]."""
    f = theta.dtype.type
    for j in range(units):
        below = theta[first + j] if learned else f(alpha)
        z_row = z[j]
        a_row = a[j]
        slope_row = slope[j]
        for i in range(examples):
            # not 0 * z, which would be NaN at minus infinity; a NaN goes its way
            low = below * z_row[i] if below != 0 else f(0)
            off = z_row[i] <= 0
            a_row[i] = low if off else z_row[i]
            slope_row[i] = below if off else f(1)


@fast
def leak_at_random(z, a, slope, key, step, layer):
    """Do so with 1 / alpha drawn anew for each unit, example and step (Xu et al. 2015)."""
    f = z.dtype.type
    place = hashed(np.uint32(np.uint32(step) + hashed(key)))
    place = hashed(np.uint32(np.uint32(layer) + place))
    for i in range(z.size):
        below = f(random_slope(np.uint32(np.uint32(i) + place)))
        off = z[i] <= 0
        a[i] = below * z[i] if off else z[i]
        slope[i] = below if off else f(1)


@compiled(EXACT, called_from_python=True)
def random_slope(number):
    """1 / d, with d ~ U(3, 8) made from the bits of a uint32.

    A hash of its arguments, not a stream: the same in any order and on any machine.
    """
    low = RRELU_DIVISORS[0]
    high = RRELU_DIVISORS[1]
    uniform = float(hashed(number) >> np.uint32(8)) / 2**24
    return 1.0 / (low + (high - low) * uniform)


@compiled(EXACT, called_from_python=True)
def hashed(x):
    """Mix the bits of a uint32 (Chris Wellons' lowbias32)."""
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


# ---------------------------------------------------------------- normalisation


@fast
def normalize_over_examples(u, units, examples, count, centred, epsilon, spread, normal):
    """Batch normalisation: means over the first `count` examples, for each unit."""
    f = u.dtype.type
    share = f(1) / f(count)
    for j in range(units):
        row = u[j]
        target = normal[j]
        mean = f(0)
        if centred:
            for i in range(count):
                mean += row[i]
            mean *= share
        squares = f(0)
        for i in range(count):
            squares += (row[i] - mean) * (row[i] - mean)
        spread[j] = math.sqrt(squares * share + f(epsilon))
        for i in range(examples):
            target[i] = (row[i] - mean) / spread[j]


@fast
def normalize_over_units(u, units, examples, centred, epsilon, spread, normal, mean):
    """Layer and RMS normalisation: means over the units, for each example."""
    f = u.dtype.type
    share = f(1) / f(units)
    for i in range(examples):
        mean[i] = 0
        spread[i] = 0
    if centred:
        for j in range(units):
            row = u[j]
            for i in range(examples):
                mean[i] += row[i] * share
    for j in range(units):
        row = u[j]
        for i in range(examples):
            spread[i] += (row[i] - mean[i]) * (row[i] - mean[i]) * share
    for i in range(examples):
        spread[i] = math.sqrt(spread[i] + f(epsilon))
    for j in range(units):
        row = u[j]
        target = normal[j]
        for i in range(examples):
            target[i] = (row[i] - mean[i]) / spread[i]


@fast
def scale_and_shift(theta, at, centred, units, examples, normal, z):
    """Scale normal + offset into z, both learned."""
    f = theta.dtype.type
    for j in range(units):
        scale = theta[at[SCALE] + j]
        offset = theta[at[OFFSET] + j] if centred else f(0)
        row = normal[j]
        target = z[j]
        for i in range(examples):
            target[i] = scale * row[i] + offset


@fast
def back_over_examples(pull, units, examples, centred, spread, normal, through):
    """Turn pull = scale dL/dz into dL/du: a change of one u moves mean and spread of its row."""
    f = pull.dtype.type
    share = f(1) / f(examples)
    for j in range(units):
        row = pull[j]
        at = normal[j]
        target = through[j]
        total = f(0)
        tilted = f(0)
        for i in range(examples):
            total += row[i]
            tilted += row[i] * at[i]
        total = total * share if centred else f(0)
        tilted *= share
        for i in range(examples):
            target[i] = (row[i] - total - at[i] * tilted) / spread[j]


@fast
def back_over_units(pull, units, examples, centred, spread, normal, through, work):
    """Do the same where mean and spread are those of an example."""
    f = pull.dtype.type
    share = f(1) / f(units)
    total = work[0]
    tilted = work[1]
    for i in range(examples):
        total[i] = 0
        tilted[i] = 0
    for j in range(units):
        for i in range(examples):
            part = pull[j, i] * share
            total[i] += part if centred else f(0)
            tilted[i] += part * normal[j, i]
    for j in range(units):
        for i in range(examples):
            apart = pull[j, i] - total[i] - normal[j, i] * tilted[i]
            through[j, i] = apart / spread[i]


# ---------------------------------------------------------------- forward


@fast
def forward(net, theta, signals, examples, count, step, key):
    """Send what stands in place 0 of the A rows through all layers; step -1: a network at rest.

    Of the `examples` in each row only the first `count` are there for a normalisation over them.
    The output layer's z is left as it is.
    """
    last = net.sizes.size - 2
    places = signals.rows.shape[1]
    for layer in range(last + 1):
        fan_in = net.sizes[layer]
        units = net.sizes[layer + 1]
        at = net.offsets[layer]
        here = layer % places
        above = (layer + 1) % places
        below = signals.rows[A, here]
        z = signals.rows[Z, here]
        if fan_in * units < BLAS_SIZE:
            times(theta, at, fan_in, units, below, examples, z)
        else:
            flat_below = signals.flat[A, here]
            flat_z = signals.flat[Z, here]
            times_by_blas(net.multiply, theta, at, fan_in, units, flat_below, examples, flat_z)
        if layer == last:
            return
        if net.normalized != NOT_NORMALIZED:
            normalize(net, theta, signals, layer, here, examples, count)
        a = signals.rows[A, above]
        if net.leaky and (step < 0 or not net.random):
            prime = signals.rows[PRIME, here]
            leak(z, a, prime, theta, at[SLOPE], net.learned, net.alpha, units, examples)
        else:
            size = units * examples
            flat_z = signals.flat[Z, here, :size]
            flat_a = signals.flat[A, above, :size]
            flat_prime = signals.flat[PRIME, here, :size]
            if net.leaky:
                leak_at_random(flat_z, flat_a, flat_prime, key, step, layer + 1)
            else:
                net.phi(flat_z, flat_a, flat_prime, signals.work)
        if net.residual and layer > 0:
            for j in range(units):
                for i in range(examples):
                    a[j, i] += below[j, i]


@fast
def normalize(net, theta, signals, layer, here, examples, count):
    """Normalise a layer's z, then scale and shift it."""
    units = net.sizes[layer + 1]
    z = signals.rows[Z, here]
    normal = signals.rows[NORMAL, here]
    spread = signals.spread[here]
    if net.normalized == OVER_EXAMPLES:
        normalize_over_examples(z, units, examples, count, net.centred, net.epsilon, spread, normal)
    else:
        normalize_over_units(
            z, units, examples, net.centred, net.epsilon, spread, normal, signals.work[0]
        )
    scale_and_shift(theta, net.offsets[layer], net.centred, units, examples, normal, z)


@inlined
def squash(net, signals, examples):
    """Write the sigmoid of one output or the softmax of several, and their slopes a (1 - a).

    Of one output, signals.work[3] gets ln(1 + e^z), which the loss needs: its slope is the sigmoid.
    """
    last = net.sizes.size - 2
    units = net.sizes[last + 1]
    places = signals.rows.shape[1]
    here = last % places
    above = (last + 1) % places
    z = signals.rows[Z, here]
    a = signals.rows[A, above]
    prime = signals.rows[PRIME, here]
    f = z.dtype.type
    if units == 1:
        # one call gives the loss's logarithm and the sigmoid: the second is the first's slope
        flat_z = signals.flat[Z, here, :examples]
        flat_a = signals.flat[A, above, :examples]
        net.softplus(flat_z, signals.work[3, :examples], flat_a, signals.work)
    else:
        for i in range(examples):
            # less the largest, no exponential overflows
            top = z[0, i]
            for j in range(1, units):
                top = max(top, z[j, i])
            total = f(0)
            for j in range(units):
                a[j, i] = math.exp(z[j, i] - top)
                total += a[j, i]
            for j in range(units):
                a[j, i] /= total
    for j in range(units):
        for i in range(examples):
            prime[j, i] = a[j, i] * (f(1) - a[j, i])


# ---------------------------------------------------------------- loss


@fast
def cross_entropy(z, softplus, outputs, y, chosen, units, delta):
    """Mean loss of a batch, from the logits; delta = dL_i/dz = output - target of each example."""
    f = z.dtype.type
    examples = chosen.size
    if units == 1:
        total = f(0)
        for i in range(examples):
            target = y[chosen[i]]
            total += softplus[i] - target * z[0, i]
            delta[0, i] = outputs[0, i] - target
        return float(total) / examples
    loss = 0.0
    for i in range(examples):
        target = y[chosen[i]]
        top = z[0, i]
        for j in range(1, units):
            top = max(top, z[j, i])
        total = f(0)
        for j in range(units):
            total += math.exp(z[j, i] - top)
            delta[j, i] = outputs[j, i] - (f(1) if j == target else f(0))
        loss += math.log(total) - (z[int(target), i] - top)
    return loss / examples


@inlined
def loss_and_delta(net, kind, y, chosen, signals, delta):
    """Return the mean loss of a batch, and write delta = dL_i/dz of the output layer."""
    last = net.sizes.size - 2
    units = net.sizes[last + 1]
    outputs = signals.rows[A, last + 1]
    if kind == SQUARED_ERROR:
        return squared_error(outputs, y, chosen, units, delta)
    z = signals.rows[Z, last]
    return cross_entropy(z, signals.work[3], outputs, y, chosen, units, delta)


@fast
def squared_error(outputs, y, chosen, units, delta):
    """Mean squared error of a batch, over examples and outputs; delta as in `cross_entropy`."""
    f = outputs.dtype.type
    examples = chosen.size
    loss = 0.0
    for i in range(examples):
        target = y[chosen[i]]
        shared = f(0)
        for j in range(units):
            wanted = f(1) if j == target else f(0)
            error = outputs[j, i] - (target if units == 1 else wanted)
            loss += float(error * error)
            delta[j, i] = f(2) * error / f(units)
            shared += delta[j, i] * outputs[j, i]
        for j in range(units):
            # back through the softmax, whose outputs share one sum, or through the sigmoid
            alone = delta[j, i] * (f(1) - outputs[j, i])
            delta[j, i] = (delta[j, i] - shared if units > 1 else alone) * outputs[j, i]
    return loss / (examples * units)


# ---------------------------------------------------------------- backward


@fast
def backward(net, theta, signals, back, examples, recorded, statistics):
    """Send the output's delta back through all layers, and write the gradients of the mean loss.

    Where the step is recorded, the signals of each layer are measured on the way.
    """
    last = net.sizes.size - 2
    gradient = back.vectors[GRADIENT]
    into = INTO  # which row of `back` is dL_i/da of the layer at hand
    below = INTO + 1  # and which that of the layer below
    for layer in range(last, -1, -1):
        fan_in = net.sizes[layer]
        units = net.sizes[layer + 1]
        at = net.offsets[layer]
        size = units * examples
        prime = signals.rows[PRIME, layer]
        delta = back.flat[DELTA, :size]
        if layer < last:
            flat_into = back.flat[into, :size]
            flat_prime = signals.flat[PRIME, layer, :size]
            for q in range(size):
                delta[q] = flat_into[q] * flat_prime[q]
        if recorded:
            limit = net.saturated if layer < last else net.output_saturated
            a = signals.flat[A, layer + 1, :size]
            measure_signals(delta, a, prime, units, examples, limit, statistics[layer])
        through = DELTA
        if layer < last:
            if net.learned:
                z = signals.rows[Z, layer]
                learned_slopes(z, back.rows[into], units, examples, gradient, at)
            if net.normalized != NOT_NORMALIZED:
                through = THROUGH
                back_through_normalization(net, theta, signals, back, below, layer, examples)
        if fan_in * units < BLAS_SIZE:
            rows = back.rows[through]
            outer(rows, signals.rows[A, layer], fan_in, units, examples, gradient, at)
            if layer > 0:
                back_through(theta, at, fan_in, units, rows, examples, back.rows[below])
        else:
            row_means(back.rows[through], units, examples, gradient, at[BIAS])
            rows = back.flat[through]
            flat_a = signals.flat[A, layer]
            outer_by_blas(net.multiply, rows, flat_a, fan_in, units, examples, gradient, at)
            flat_below = back.flat[below]
            kernel = theta[at[KERNEL] : at[BIAS]]
            net.multiply(kernel, rows, flat_below, fan_in, units, examples, LEFT_T_RIGHT)
        if net.residual and 0 < layer < last:
            flat_into = back.flat[into, :size]
            flat_below = back.flat[below, :size]
            for q in range(size):
                flat_below[q] += flat_into[q]
        into, below = below, into


@fast
def learned_slopes(z, into, units, examples, gradient, at):
    """Gradient of PReLU's slopes: the mean of dL_i/da min(z, 0)."""
    f = gradient.dtype.type
    share = f(1) / f(examples)
    for j in range(units):
        total = f(0)
        for i in range(examples):
            total += into[j, i] * min(z[j, i], f(0))
        gradient[at[SLOPE] + j] = total * share


@fast
def back_through_normalization(net, theta, signals, back, free, layer, examples):
    """Turn the DELTA rows into the THROUGH rows, and write the gradients of scale and offset.

    `free` is a row of `back` that is not in use.
    """
    units = net.sizes[layer + 1]
    at = net.offsets[layer]
    normal = signals.rows[NORMAL, layer]
    spread = signals.spread[layer]
    gradient = back.vectors[GRADIENT]
    delta = back.rows[DELTA]
    through = back.rows[THROUGH]
    pull = back.rows[free]
    if net.centred:
        row_means(delta, units, examples, gradient, at[OFFSET])
    for j in range(units):
        scale = theta[at[SCALE] + j]
        for i in range(examples):
            through[j, i] = delta[j, i] * normal[j, i]
            pull[j, i] = scale * delta[j, i]
    row_means(through, units, examples, gradient, at[SCALE])
    if net.normalized == OVER_EXAMPLES:
        back_over_examples(pull, units, examples, net.centred, spread, normal, through)
    else:
        back_over_units(pull, units, examples, net.centred, spread, normal, through, signals.work)


# ---------------------------------------------------------------- update


@fast
def clip(offsets, kind, threshold, gradient):
    """Cut the gradient to the threshold, as Keras does."""
    f = gradient.dtype.type
    most = f(threshold)
    if kind == CLIP_VALUE:
        for i in range(gradient.size):
            gradient[i] = min(max(gradient[i], -most), most)
    elif kind == CLIP_GLOBAL_NORM:
        norm = f(norm_of(gradient))
        # the difference is 0, or NaN for a norm that is not finite
        factor = most * min(f(1) / norm, f(1) / most) + (norm - norm)
        for i in range(gradient.size):
            gradient[i] *= factor
    else:
        for layer in range(offsets.shape[0]):
            for part in range(KERNEL, END):
                variable = gradient[offsets[layer, part] : offsets[layer, part + 1]]
                factor = most / max(f(norm_of(variable)), most)
                for i in range(variable.size):
                    variable[i] *= factor


@inlined
def update(numbers, learning_rate, step, gradient, mean, square, change):
    """Write what is to be added to the parameters, by the formula of ``optimizers.Update``."""
    f = gradient.dtype.type
    # numba cannot unpack an array, whose length it does not know
    keep = numbers[0]
    take = numbers[1]
    keep_square = numbers[2]
    take_square = numbers[3]
    inside = numbers[4]
    outside = numbers[5]
    fade = numbers[6]
    fade_square = numbers[7]
    rate = f(learning_rate)
    # powers in the type of the weights, as Keras has them: 0.999 is another number in float32
    if fade_square > 0:  # means that began at 0 are still too small
        count = f(step + 1)
        rate *= math.sqrt(f(1) - fade_square**count) / (f(1) - fade**count)
    if mean.size == 0:
        for i in range(gradient.size):
            change[i] = -rate * take * gradient[i]
    else:
        for i in range(gradient.size):
            mean[i] = keep * mean[i] + take * gradient[i]
            change[i] = -rate * mean[i]
    if square.size > 0:
        for i in range(gradient.size):
            square[i] = keep_square * square[i] + take_square * gradient[i] * gradient[i]
            change[i] /= math.sqrt(square[i] + inside) + outside


# ---------------------------------------------------------------- accuracy


@fast
def score(net, job, theta, signals, result):
    """Write the accuracy over the whole data set, and the outputs at the probes, into `result`."""
    num_examples = job.y.size
    total = job.x.shape[0]
    last = net.sizes.size - 2
    units = net.sizes[last + 1]
    room = signals.rows.shape[3]
    places = signals.rows.shape[1]
    z = signals.rows[Z, last % places]
    right = 0
    for first in range(0, total, room):
        # rows have one length: what is left of the last one repeats its last example
        for k in range(net.sizes[0]):
            for i in range(room):
                signals.rows[A, 0, k, i] = job.x[min(first + i, total - 1), k]
        at_rest = np.int64(-1)
        forward(net, theta, signals, room, min(room, num_examples), at_rest, np.uint32(0))
        if first + room > num_examples:
            squash(net, signals, room)
        for i in range(min(room, total - first)):
            likeliest = 0
            for j in range(1, units):
                if z[j, i] > z[likeliest, i]:
                    likeliest = j
            if units == 1 and z[0, i] > 0:  # a probability above 1/2
                likeliest = 1
            place = first + i - num_examples
            if place < 0:
                right += likeliest == job.y[first + i]
            else:
                said = signals.rows[A, (last + 1) % places, 0, i]
                result[1 + place] = said if units == 1 else likeliest
    result[0] = right / num_examples


# ---------------------------------------------------------------- the loop over steps


@compiled(FAST, called_from_python=True)
def advance(net, job, state, record, workspace, first, count):
    """Train every replicate of these arrays for `count` steps, from step `first` on, in place.

    The step after the last update is only measured.
    """
    for replicate in range(state.parameters.shape[0]):
        theta = state.parameters[replicate]
        for step in range(first, first + count):
            # the accuracy takes a pass over the whole data set, so it is measured once an epoch
            begins = step % job.per_epoch == 0
            # the next recorded step falls into this epoch: another accuracy no one would see
            seen = -step % job.every < job.per_epoch or step == job.num_steps
            if begins and seen:
                score(net, job, theta, workspace.whole, state.score[replicate])
            one_step(net, job, state, record, workspace.batch, workspace.back, replicate, step)


@fast
def one_step(net, job, state, record, signals, back, replicate, step):
    """Forward, backward, measure, update."""
    theta = state.parameters[replicate]
    chosen = job.batches[step]
    examples = chosen.size
    recorded = step % job.every == 0 or step == job.num_steps
    row = (step + job.every - 1) // job.every if recorded else 0
    # of a step that is not recorded nothing is written, but numba wants some array
    statistics = record.statistics[replicate, row]

    for k in range(net.sizes[0]):
        for i in range(examples):
            signals.rows[A, 0, k, i] = job.x[chosen[i], k]
    forward(net, theta, signals, examples, examples, step, state.keys[replicate])
    squash(net, signals, examples)
    loss = loss_and_delta(net, job.loss, job.y, chosen, signals, back.rows[DELTA])
    if state.failed[replicate] < 0 and not math.isfinite(loss):
        state.failed[replicate] = step
    backward(net, theta, signals, back, examples, recorded, statistics)

    gradient = back.vectors[GRADIENT]
    change = back.vectors[CHANGE]
    cut = gradient
    if job.clip != UNCLIPPED:  # what is recorded is the gradient before
        cut = back.vectors[CLIPPED]
        for q in range(cut.size):
            cut[q] = gradient[q]
        clip(net.offsets, job.clip, job.threshold, cut)
    mean = state.mean[replicate]
    square = state.square[replicate]
    update(job.optimizer, job.rate, step, cut, mean, square, change)
    if recorded:
        record.loss[replicate, row] = loss
        for q in range(state.score.shape[1]):
            record.score[replicate, row, q] = state.score[replicate, q]
        measure_kernels(net.offsets, theta, gradient, change, statistics)
        if record.kernel.shape[1] > 0:
            keep(net, theta, record.kernel[replicate, row])
        if record.gradient.shape[1] > 0:
            keep(net, gradient, record.gradient[replicate, row])
    # the row after the last update says what another one would do; it is not made
    if step < job.num_steps:
        for q in range(theta.size):
            theta[q] += change[q]


@fast
def keep(net, values, target):
    """Write the kernels, or their gradients, turned as Keras has them: (fan_in, fan_out)."""
    for layer in range(net.sizes.size - 1):
        fan_in = net.sizes[layer]
        first = net.offsets[layer, KERNEL]
        for k in range(fan_in):
            for j in range(net.sizes[layer + 1]):
                target[layer, k, j] = values[first + j * fan_in + k]
