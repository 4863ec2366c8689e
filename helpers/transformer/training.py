"""Train many small transformers together, in NumPy: they learn to reverse a sequence.

A token of the input is the embedding of its letter plus that of its place, both drawn once from
N(0, 1) and kept. What the last block hands on is multiplied by a readout, which starts as the
letters' embeddings and is trained with the blocks. The optimizer is Adam (Kingma & Ba 2015).
"""

import math
from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy.special import softmax

from helpers.checks import a_function, affordable, finite_number, whole_number
from helpers.measure import one_blas_thread
from helpers.transformer import stack as blocks
from helpers.transformer.profiles import correlation

LETTERS = 8
LENGTH = 4  # letters of a sequence
BATCH = 16  # sequences of a step, new ones in each
MOMENTUM = 0.9
SQUARES = 0.98  # Adam's second beta, as Vaswani et al. 2017 and Xiong et al. 2020 have it
TINY = 1e-8  # added to Adam's divisor


def train_reversal(
    stack: blocks.Transformer,
    rate: Callable[[int], float],
    *,
    steps: int = 200,
    num_replicates: int = 20,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Train stacks to write a sequence backwards: dims replicate, step (1 to `steps`).

    Parameters
    ----------
    rate : callable
        ``rate(step)``, the learning rate of step 1, 2, ...
    progress : callable, optional
        ``progress(share_done)``, after every step.

    Returns
    -------
    xr.Dataset
        loss, accuracy (share of letters that are right) and correlation (mean cosine of the output
        tokens), each on the batch of the step, before its update.

    Raises
    ------
    ValueError
        For a size below 1.
    """
    steps = whole_number("steps", steps)
    blocks.check_stack(stack)
    a_function("rate", rate)
    if progress is not None:
        a_function("progress", progress)
    num_replicates = whole_number("num_replicates", num_replicates)
    draws = {"num_replicates": num_replicates, "seed": whole_number("seed", seed, low=0)}
    # three numbers of every step are kept until the end, in small arrays
    affordable("So many steps", 60 * steps * num_replicates)
    finite_number("The rate of step 1", rate(1), low=0)
    letters = blocks.draw("standard_normal", LETTERS, stack.width, layer=blocks.INPUTS, **draws)
    places = blocks.draw("standard_normal", LENGTH, stack.width, layer=blocks.DIRECTION, **draws)
    kernels = blocks.weights(stack, dtype=np.float32, **draws)
    # as large as the letters' directions, so that the first logits are of size 1
    kernels.append({"readout": np.swapaxes(letters, 1, 2) / math.sqrt(stack.width)})
    means = [{name: np.zeros_like(kernel) for name, kernel in one.items()} for one in kernels]
    squares = [{name: np.zeros_like(kernel) for name, kernel in one.items()} for one in kernels]
    rng = np.random.default_rng(np.random.SeedSequence([seed]))
    rows = []
    # a run that diverges is a result, not a warning
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            # new sequences in every step, the same ones for all stacks
            words = rng.integers(LETTERS, size=(BATCH, LENGTH))
            x = (letters[:, words] + places[:, None]) / math.sqrt(2)
            row, gradients = _one_step(stack, kernels, x, words[:, ::-1])
            rows.append(row)
            _adam(kernels, gradients, means, squares, step, rate(step))
            if progress is not None:
                progress(step / steps)
    names = ("loss", "accuracy", "correlation")
    columns = zip(names, np.moveaxis(np.array(rows), 0, 2), strict=True)
    coords = {"replicate": range(num_replicates), "step": range(1, steps + 1)}
    return xr.Dataset({name: (("replicate", "step"), column) for name, column in columns}, coords)


def _one_step(stack, kernels, x, wanted):
    """Measure a batch, (loss, accuracy, correlation) of each replicate, and its gradients."""
    *of_blocks, readout = kernels
    run = blocks.forward(stack, of_blocks, x)
    shares = softmax(blocks.times(run.output, readout["readout"]), axis=3)
    right = np.eye(LETTERS, dtype=np.float32)[wanted]
    # cross-entropy: its derivative with respect to the logits is share less truth
    delta = (shares - right) / wanted.size
    back = blocks.times(delta, np.swapaxes(readout["readout"], 1, 2))
    _, gradients = blocks.backward(stack, of_blocks, run, back)
    gradients.append({"readout": blocks.kernel_gradient(run.output, delta)})
    # a share that underflows has a large loss, not an infinite one
    loss = -np.log(np.maximum((shares * right).sum(axis=3), 1e-30)).mean(axis=(1, 2))
    accuracy = (shares.argmax(axis=3) == wanted).mean(axis=(1, 2))
    return (loss, accuracy, correlation(run.output)), gradients


def _adam(kernels, gradients, means, squares, step, rate):
    """Change the kernels in place, by Adam with its bias corrections."""
    correction = math.sqrt(1 - SQUARES**step) / (1 - MOMENTUM**step)
    for one, found, mean, square in zip(kernels, gradients, means, squares, strict=True):
        for name, kernel in one.items():
            # the arrays of both means are kept, and changed in place
            gradient = found[name]
            mean[name] += (1 - MOMENTUM) * (gradient - mean[name])
            square[name] += (1 - SQUARES) * (gradient**2 - square[name])
            kernel -= rate * correction * mean[name] / (np.sqrt(square[name]) + TINY)
