"""NumPy by hand: matrix products by BLAS, back-propagation written out."""

import numpy as np

from benchmarks.job import BATCH, EPSILON, RATE, RHO, Job
from benchmarks.sides import Result, moments


def by_hand(job: Job):
    """Prepare the loop; it serves sigmoid layers of any depth and width."""
    x = job.dataset.x
    y = job.dataset.y[:, None]

    def run():
        kernels = [kernel.copy() for kernel in job.kernels]
        biases = [np.zeros(kernel.shape[1], np.float32) for kernel in kernels]
        squares = [np.zeros_like(parameter) for parameter in kernels + biases]
        losses = []
        record = []
        for batch in job.order:
            logits, below = forward(kernels, biases, x[batch])
            losses.append(np.mean(np.logaddexp(0, logits) - y[batch] * logits))
            gradients = backward(kernels, below, logits, y[batch])
            of_kernels = gradients[: len(kernels)]
            record.append([(g.mean(), g.std()) for g in of_kernels])
            update(kernels + biases, gradients, squares)
        return Result(np.array(losses), moments(record))

    return run


def sigmoid(z):
    """As one would write it."""
    return 1 / (1 + np.exp(-z))


def forward(kernels, biases, x):
    """Return the logits, and what each layer got."""
    below = []
    a = x
    for kernel, bias in zip(kernels, biases, strict=True):
        below.append(a)
        z = a @ kernel + bias
        a = sigmoid(z)
    return z, below


def backward(kernels, below, logits, y):
    """Return the gradients of all kernels, then of all biases."""
    delta = (sigmoid(logits) - y) / np.float32(BATCH)
    of_kernels = []
    of_biases = []
    for number in reversed(range(len(kernels))):
        a = below[number]
        of_kernels.append(a.T @ delta)
        of_biases.append(delta.sum(axis=0))
        if number:
            delta = (delta @ kernels[number].T) * a * (1 - a)
    return of_kernels[::-1] + of_biases[::-1]


def update(parameters, gradients, squares):
    """RMSprop, in place and in float32."""
    for parameter, gradient, square in zip(parameters, gradients, squares, strict=True):
        square += np.float32(1 - RHO) * (gradient**2 - square)
        parameter -= np.float32(RATE) * gradient / np.sqrt(square + np.float32(EPSILON))
