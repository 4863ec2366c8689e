"""The parameters of many networks at once, in float64, as the one sampler draws them."""

import numpy as np

from helpers.catalogue import Initializer


def draw(initializer: Initializer, sizes: list[int], num_replicates: int, seed: int):
    """Draw kernels (num_replicates, fan_in, fan_out), and biases (num_replicates, 1, fan_out).

    Two lists with an entry for each layer. A bias is None where there is none: adding zeros costs
    time.
    """
    networks = [
        initializer.sample_layers(sizes, seed, replicate) for replicate in range(num_replicates)
    ]
    kernels = []
    biases = []
    for layers in zip(*networks, strict=True):
        # the sampler draws in float32, as Keras stores weights; computing in float64 comes after it
        kernels.append(np.stack([kernel for kernel, _ in layers]).astype(np.float64))
        # an axis for the examples, so that a bias is added to all of them
        drawn = np.stack([bias for _, bias in layers])[:, None].astype(np.float64)
        biases.append(drawn if drawn.any() else None)
    return kernels, biases
