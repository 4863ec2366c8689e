"""The job that every side does: source A's network, data, batches and initial weights."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from helpers import catalogue, data

BATCH = 32
RATE = 0.001  # these three are Keras's defaults for RMSprop
RHO = 0.9
EPSILON = 1e-7


@dataclass(frozen=True)
class Job:
    """`epochs` passes over 1,000 circles in batches of 32, with RMSprop, from seed 0.

    As source A has it: 4 hidden layers of 5 sigmoid units, N(0, 1) kernels, 100 epochs. What
    `train` draws from its seed is drawn here once more, so that the others can start from it.
    """

    activation: str = "sigmoid"
    initializer: str = "standard_normal"
    depth: int = 4
    width: int = 5
    epochs: int = 100

    @cached_property
    def dataset(self) -> data.Dataset:
        """The two circles."""
        return data.circles()

    @property
    def steps_per_epoch(self) -> int:
        """Updates an epoch: the last, short batch is dropped."""
        return len(self.dataset) // BATCH

    @property
    def num_steps(self) -> int:
        """Updates in all."""
        return self.epochs * self.steps_per_epoch

    @cached_property
    def order(self) -> np.ndarray:
        """Which examples each batch holds: (num_steps, BATCH), shuffled anew each epoch."""
        rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0,)))
        used = self.steps_per_epoch * BATCH
        epochs = [rng.permutation(len(self.dataset))[:used] for _ in range(self.epochs)]
        return np.concatenate(epochs).reshape(-1, BATCH)

    @property
    def sizes(self) -> list[int]:
        """Units of the inputs, the hidden layers and the output."""
        return [self.dataset.num_inputs, *[self.width] * self.depth, 1]

    @cached_property
    def kernels(self) -> list[np.ndarray]:
        """The initial kernels, (fan_in, fan_out) each; the biases start at 0."""
        sampler = catalogue.INITIALIZERS[self.initializer]
        streams = [*range(1, self.depth + 1), 0]  # the output layer draws as layer 0
        pairs = zip(self.sizes[:-1], self.sizes[1:], streams, strict=True)
        return [sampler.sample(fan_in, fan_out, layer=stream) for fan_in, fan_out, stream in pairs]

    @property
    def network(self) -> dict:
        """Arguments of ``make_mlp``, and of `train` beside its data set and epochs."""
        return {
            "activation": self.activation,
            "initializer": self.initializer,
            "depth": self.depth,
            "width": self.width,
        }


SOURCE_A = Job()
