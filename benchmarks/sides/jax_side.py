"""JAX: the whole run as one program, jit and scan; recording little, or all that `train` does."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.job import BATCH, EPSILON, RATE, RHO, Job
from benchmarks.sides import Result
from helpers import measure

UNROLL = 4  # steps in one turn of the loop: faster here than 1


def lean(job: Job):
    """Prepare the run that records mean and std of the gradients."""
    program = jax.jit(train_lean)
    arguments = as_arrays(job)

    return lambda: jax.block_until_ready(program(*arguments))


def everything(job: Job):
    """Prepare the run that records all that `train` records."""
    program = jax.jit(train_everything)
    new_epoch = np.arange(job.num_steps) % job.steps_per_epoch == 0
    arguments = *as_arrays(job), new_epoch

    return lambda: jax.block_until_ready(program(*arguments))


def as_arrays(job):
    """Return the parameters, pairs of kernel and bias, then x, y and the batches."""
    parameters = [(jnp.array(kernel), jnp.zeros(kernel.shape[1])) for kernel in job.kernels]
    x = jnp.array(job.dataset.x)
    y = jnp.array(job.dataset.y[:, None])
    return parameters, x, y, jnp.array(job.order, jnp.int32)


def as_result(arrays) -> Result:
    """Turn what a program returned, losses, perhaps accuracies, records by layer, into a result."""
    losses, *scores, layers = jax.tree.map(np.asarray, arrays)
    record = {name: np.stack([layer[name] for layer in layers], axis=-1) for name in layers[0]}
    if scores:
        record["accuracy"] = scores[0]
    return Result(losses, record)


def forward(parameters, nudges, x):
    """Logits and activations; a derivative in a nudge, added to a z, is that layer's delta."""
    activations = []
    a = x
    for (kernel, bias), nudge in zip(parameters, nudges, strict=True):
        z = a @ kernel + bias + nudge
        a = jax.nn.sigmoid(z)
        activations.append(a)
    return z, activations


def loss_of(parameters, nudges, x, y):
    """Mean cross-entropy, and the activations."""
    logits, activations = forward(parameters, nudges, x)
    return jnp.mean(jnp.logaddexp(0, logits) - y * logits), activations


def accuracy(parameters, x, y):
    """Share of right answers."""
    logits, _ = forward(parameters, [0.0] * len(parameters), x)
    return jnp.mean((logits > 0) == (y > 0.5))


def rmsprop(parameters, squares, gradients):
    """Return new parameters and squares."""
    squares = jax.tree.map(lambda s, g: RHO * s + (1 - RHO) * g**2, squares, gradients)
    parameters = jax.tree.map(
        lambda p, g, s: p - RATE * g / jnp.sqrt(s + EPSILON), parameters, gradients, squares
    )
    return parameters, squares


def train_lean(parameters, x, y, order):
    """Return the losses, and a record for each layer."""

    def step(state, batch):
        parameters, squares = state
        nudges = [0.0] * len(parameters)
        (loss, _), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            parameters, nudges, x[batch], y[batch]
        )
        record = [
            {"gradient_mean": kernel.mean(), "gradient_std": kernel.std()}
            for kernel, _ in gradients
        ]
        return rmsprop(parameters, squares, gradients), (loss, record)

    start = parameters, jax.tree.map(jnp.zeros_like, parameters)
    _, recorded = jax.lax.scan(step, start, order, unroll=UNROLL)
    return recorded


def train_everything(parameters, x, y, order, new_epoch):
    """Return the losses, the accuracies, and a record for each layer.

    The arrays of all steps are kept and summed up together: faster than step by step.
    """

    def step(state, chosen):
        parameters, squares, score = state
        batch, is_first = chosen
        score = jax.lax.cond(is_first, partial(accuracy, parameters, x, y), lambda: score)
        nudges = [jnp.zeros((BATCH, kernel.shape[1])) for kernel, _ in parameters]
        both = jax.value_and_grad(loss_of, argnums=(0, 1), has_aux=True)
        (loss, activations), (gradients, deltas) = both(parameters, nudges, x[batch], y[batch])
        new, squares = rmsprop(parameters, squares, gradients)
        layers = zip(gradients, parameters, new, activations, deltas, strict=True)
        arrays = [(g, old, after, a, d) for (g, _), (old, _), (after, _), a, d in layers]
        return (new, squares, score), (loss, score, arrays)

    start = parameters, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros(())
    _, (losses, scores, arrays) = jax.lax.scan(step, start, (order, new_epoch), unroll=UNROLL)
    return losses, scores, [sum_up(*layer) for layer in arrays]


def sum_up(gradient, kernel, after, a, delta):
    """Reduce arrays (steps, ., .) of one layer to the statistics of each step."""
    both = (1, 2)
    slope = a * (1 - a)
    return {
        "gradient_mean": gradient.mean(axis=both),
        "gradient_std": gradient.std(axis=both),
        "gradient_norm": jnp.sqrt((gradient**2).sum(axis=both)),
        "weight_mean": kernel.mean(axis=both),
        "weight_std": kernel.std(axis=both),
        "update_ratio": (after - kernel).std(axis=both) / kernel.std(axis=both),
        "delta_norm": jnp.sqrt(((BATCH * delta) ** 2).sum(axis=2).mean(axis=1)),
        "activation_mean": a.mean(axis=both),
        "activation_std": a.std(axis=both),
        "saturation": (slope < measure.SATURATED * measure.OUTPUT_SLOPE).mean(axis=both),
        "dead": (slope == 0).all(axis=1).mean(axis=1),
    }
