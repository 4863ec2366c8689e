"""From a network and a plan to the engine's arrays, through the threads, and back."""

import itertools
import os
from threading import Thread

import numpy as np

from helpers.catalogue import Network
from helpers.measure import OUTPUT_SLOPE, SATURATED, one_blas_thread
from helpers.training import activation_loops, engine
from helpers.training.optimizers import Chosen
from helpers.training.own_activation import compile_own
from helpers.training.plan import Plan, float_type

LOSSES = {
    "binary_crossentropy": engine.CROSS_ENTROPY,
    "categorical_crossentropy": engine.CROSS_ENTROPY,
    "mean_squared_error": engine.SQUARED_ERROR,
}
CLIPS = {
    "global_norm": engine.CLIP_GLOBAL_NORM,
    "norm": engine.CLIP_NORM,
    "value": engine.CLIP_VALUE,
}
NORMALIZED = {"examples": engine.OVER_EXAMPLES, "units": engine.OVER_UNITS}
# Multiplications after which the engine comes back to look whether it was interrupted: a tenth of
# a second on an ordinary processor.
LONGEST_CALL = 3e8


def can_train(network: Network) -> bool:
    """Whether the engine knows this activation, or can compile it."""
    return network.phi.slope is not None or _pointer(network.phi, float_type()) is not None


def run(
    network: Network,
    plan: Plan,
    chosen: Chosen,
    *,
    clip: tuple[str, float] | None,
    num_replicates: int,
    probe: np.ndarray,
) -> tuple[dict, np.ndarray]:
    """Train the replicates, spread over the processors.

    Returns
    -------
    arrays : dict of str to array
        By name, (replicate, row, ...).
    failed : array, shape (num_replicates,)
        The first step without a finite loss, or -1.
    """
    dtype = float_type()
    net = structure(network, plan.dataset, dtype)
    job = _job(plan, chosen, clip, probe, dtype)
    state = _state(net, network, plan, chosen, num_replicates, len(probe), dtype)
    record = _record(net, plan, num_replicates, len(probe), dtype)
    # each thread gets replicates and arrays of its own: nothing is shared, so nothing is locked
    count = min(num_replicates, processors())
    groups = [
        (*_rows(state, record, part), _workspace(net, job, dtype))
        for part in _parts(num_replicates, count)
    ]
    # as a float: a product of such whole numbers may be larger than 64 bits hold
    products = float(np.sum(net.sizes[:-1] * net.sizes[1:])) * plan.batch_size * num_replicates
    at_most = int(LONGEST_CALL * count / products)
    with one_blas_thread():
        for first, steps in plan.chunks(at_most):
            _together([(net, job, *group, first, steps) for group in groups])
    return _arrays(record, plan), state.failed


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _together(calls):
    """Call the engine with each of these arguments at once, the last in this thread.

    The threads are daemons: a kernel that is shut down in the middle of a run waits for none.
    """
    threads = [Thread(target=engine.advance, args=call, daemon=True) for call in calls[:-1]]
    for thread in threads:
        thread.start()
    engine.advance(*calls[-1])
    for thread in threads:
        thread.join()


def _parts(total, count):
    """Slices of nearly equal length."""
    edges = np.linspace(0, total, count + 1).astype(int)
    return [slice(*pair) for pair in itertools.pairwise(edges)]


def _rows(state, record, part):
    """Take the rows of some replicates, as views."""
    return [kind._make(array[part] for array in kind) for kind in (state, record)]


def structure(network: Network, dataset, dtype: str) -> engine.Structure:
    """Describe a network to the engine."""
    entry = network.phi
    normalizer = network.normalizer
    leaky = entry.slope is not None
    softplus = activation_loops.pointer("softplus", dtype)
    sizes = network.sizes(dataset.num_inputs, dataset.num_outputs)
    return engine.Structure(
        sizes=np.array(sizes, np.int64),
        offsets=_offsets(sizes, entry, normalizer),
        # a leaky activation needs no loop, but the engine takes some pointer of that type
        phi=softplus if leaky else _pointer(entry, dtype),
        softplus=softplus,
        multiply=engine.multiply_pointer(dtype),
        leaky=leaky,
        alpha=float(entry.slope or 0.0),
        learned=entry.slope_kind == "learned",
        random=entry.slope_kind == "random",
        residual=network.residual,
        normalized=NORMALIZED[normalizer.over] if normalizer else engine.NOT_NORMALIZED,
        centred=bool(normalizer and normalizer.centred),
        epsilon=float(normalizer.epsilon) if normalizer else 0.0,
        saturated=SATURATED * entry.largest_slope,
        output_saturated=SATURATED * OUTPUT_SLOPE,
    )


def _pointer(entry, dtype):
    """Return the compiled loop of an activation, or None if there can be none."""
    if entry.loop:
        return activation_loops.pointer(entry.loop, dtype)
    return compile_own(entry, dtype)


def _offsets(sizes, entry, normalizer):
    """Where each part of each layer's parameters begins: kernel, bias, slope, scale, offset."""
    offsets = []
    end = 0
    for number, (fan_in, units) in enumerate(itertools.pairwise(sizes), start=1):
        hidden = number < len(sizes) - 1
        lengths = [
            fan_in * units,
            units,
            units * (hidden and entry.slope_kind == "learned"),
            units * (hidden and normalizer is not None),
            units * (hidden and normalizer is not None and normalizer.centred),
        ]
        row = end + np.cumsum([0, *lengths])
        offsets.append(row)
        end = row[-1]
    return np.array(offsets, np.int64)


def _job(plan, chosen, clip, probe, dtype):
    sort, threshold = clip or (None, 1.0)
    return engine.Job(
        x=np.concatenate([plan.dataset.x, probe]).astype(dtype),
        y=np.asarray(plan.dataset.y, dtype),
        batches=plan.batches,
        per_epoch=plan.steps_per_epoch,
        num_steps=plan.num_steps,
        every=plan.record_every,
        loss=LOSSES[plan.loss],
        optimizer=np.array(chosen.update, dtype),
        rate=float(chosen.learning_rate),
        clip=CLIPS.get(sort, engine.UNCLIPPED),
        threshold=float(threshold),
    )


def _state(net, network, plan, chosen, num_replicates, num_probes, dtype):
    """Every replicate as initialised."""
    parameters = np.zeros((num_replicates, net.offsets[-1, -1]), dtype)
    for replicate, row in enumerate(parameters):
        layers = network.sampler.sample_layers(net.sizes.tolist(), plan.seed, replicate)
        for at, (kernel, bias) in zip(net.offsets, layers, strict=True):
            row[at[engine.KERNEL] : at[engine.BIAS]] = kernel.T.ravel()
            row[at[engine.BIAS] : at[engine.SLOPE]] = bias
            row[at[engine.SLOPE] : at[engine.SCALE]] = net.alpha
            row[at[engine.SCALE] : at[engine.OFFSET]] = 1
    empty = np.zeros((num_replicates, 0), dtype)
    return engine.State(
        parameters=parameters,
        mean=np.zeros_like(parameters) if chosen.update.has_mean else empty,
        square=np.zeros_like(parameters) if chosen.update.has_square else empty,
        score=np.zeros((num_replicates, 1 + num_probes), dtype),
        failed=np.full(num_replicates, -1),
        keys=replicate_keys(plan.seed, num_replicates),
    )


def _workspace(net, job, dtype):
    """Allocate what one thread works in."""
    layers = len(net.sizes) - 1
    widest = int(net.sizes.max())
    examples = job.batches.shape[1]
    # a normalisation over examples needs all of them together, any other only a few at a time
    whole = len(job.x)
    if net.normalized != engine.OVER_EXAMPLES:
        whole = min(whole, engine.SCORE_EXAMPLES)
    rows = np.zeros((4, widest, examples), dtype)
    back = engine.Backward(
        rows=rows,
        flat=rows.reshape(4, -1),
        vectors=np.zeros((3, net.offsets[-1, -1]), dtype),
    )
    return engine.Workspace(
        batch=_signals(layers + 1, widest, examples, dtype),
        whole=_signals(2, widest, whole, dtype),
        back=back,
    )


def _signals(places, widest, examples, dtype):
    rows = np.zeros((4, places, widest, examples), dtype)
    return engine.Signals(
        rows=rows,
        flat=rows.reshape(4, places, -1),
        spread=np.zeros((places, max(widest, examples)), dtype),
        work=np.zeros((4, widest * examples), dtype),
    )


def replicate_keys(seed: int, num_replicates: int) -> np.ndarray:
    """Return the key of each replicate for RReLU's random slopes, uint32."""
    # spawn_key sets this stream apart from those of the weights and of the batches
    sequences = [
        np.random.SeedSequence([seed, replicate], spawn_key=(1,))
        for replicate in range(num_replicates)
    ]
    return np.array([sequence.generate_state(1)[0] for sequence in sequences], np.uint32)


def _record(net, plan, num_replicates, num_probes, dtype):
    rows = plan.num_rows
    layers = len(net.sizes) - 1
    # one array holds all layers, so each gets as much as the largest
    size = max(net.sizes[:-1]), max(net.sizes[1:])

    def arrays(name):
        # without rows: the engine sees by their number that nobody wants them
        if name not in plan.keep:
            return np.zeros((num_replicates, 0, 0, 0, 0), dtype)
        return np.full((num_replicates, rows, layers, *size), np.nan, dtype)

    return engine.Record(
        statistics=np.zeros((num_replicates, rows, layers, len(engine.STATISTICS)), dtype),
        loss=np.zeros((num_replicates, rows), dtype),
        score=np.zeros((num_replicates, rows, 1 + num_probes), dtype),
        kernel=arrays("kernel"),
        gradient=arrays("gradient"),
    )


def _arrays(record, plan):
    """Give the record by name, without the rows that a stopped run did not reach."""
    # a stopped run leaves the rest of its rows empty
    rows = len(plan.recorded_steps)
    arrays = {"loss": record.loss, "accuracy": record.score[..., 0]}
    if record.score.shape[-1] > 1:
        arrays["output"] = record.score[..., 1:]
    for number, name in enumerate(engine.STATISTICS):
        # a copy, so that one variable does not keep all of them in memory
        arrays[name] = np.ascontiguousarray(record.statistics[..., number])
    for name in plan.keep:
        arrays[name] = getattr(record, name)
    return {name: array[:, :rows] for name, array in arrays.items()}
