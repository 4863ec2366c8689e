"""PyTorch as it comes: eager, with autograd."""

import torch

from benchmarks.job import EPSILON, RATE, RHO, Job
from benchmarks.sides import Result, moments


def eager(job: Job):
    """Prepare the loop."""
    x = torch.from_numpy(job.dataset.x)
    y = torch.from_numpy(job.dataset.y[:, None])
    torch.set_num_threads(1)  # with arrays that small, more threads only wait for each other
    order = torch.from_numpy(job.order)

    def run():
        kernels = [torch.tensor(kernel, requires_grad=True) for kernel in job.kernels]
        biases = [torch.zeros(kernel.shape[1], requires_grad=True) for kernel in kernels]
        parameters = kernels + biases
        squares = [torch.zeros_like(parameter) for parameter in parameters]
        losses = []
        record = []
        for batch in order:
            logits = forward(kernels, biases, x[batch])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y[batch])
            gradients = torch.autograd.grad(loss, parameters)
            of_kernels = gradients[: len(kernels)]
            record.append([(float(g.mean()), float(g.std(correction=0))) for g in of_kernels])
            update(parameters, gradients, squares)
            losses.append(loss.item())
        return Result(torch.tensor(losses).numpy(), moments(record))

    return run


def forward(kernels, biases, x):
    """Return the logits."""
    a = x
    for kernel, bias in zip(kernels, biases, strict=True):
        z = a @ kernel + bias
        a = torch.sigmoid(z)
    return z


@torch.no_grad()
def update(parameters, gradients, squares):
    """RMSprop as Keras has it: torch's own has epsilon outside the root."""
    for parameter, gradient, square in zip(parameters, gradients, squares, strict=True):
        square.mul_(RHO).addcmul_(gradient, gradient, value=1 - RHO)
        parameter.sub_(RATE * gradient / torch.sqrt(square + EPSILON))
