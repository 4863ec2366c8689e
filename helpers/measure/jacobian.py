"""Singular values of the Jacobian between hidden layers."""

import numpy as np

from helpers.catalogue import Network
from helpers.checks import true_or_false, whole_number
from helpers.data import Dataset, check_dataset
from helpers.measure.blas import one_blas_thread
from helpers.measure.parameters import draw
from helpers.measure.profiles import choose_batch


@one_blas_thread()
def singular_values(
    activation: str,
    initializer: str,
    *,
    dataset: Dataset,
    depth: int = 4,
    width: int = 5,
    num_replicates: int = 10,
    seed: int = 0,
    across: bool = False,
) -> np.ndarray:
    """Singular values of every Jacobian dz_(l+1)/dz_l between hidden layers, as initialised.

    J = W^T diag(phi'(z_l)) at one example a network (Glorot & Bengio 2010, section 4.2.2, average
    them; Saxe et al. 2014 ask for all to be near 1). The networks are those of `profile`.

    Parameters
    ----------
    across : bool
        Of the product of them all, dz_depth/dz_1, instead.
    The others as in `profile`.

    Returns
    -------
    array, shape (depth - 1, num_replicates, width), or (num_replicates, width) if `across`
        Largest first.

    Raises
    ------
    ValueError
        As `profile`.
    """
    network = Network(activation, initializer, depth, width)
    num_replicates = whole_number("num_replicates", num_replicates)
    across = true_or_false("across", across)
    network.check_memory(num_replicates)
    check_dataset(dataset)
    x, _ = choose_batch(dataset, num_replicates, whole_number("seed", seed, low=0))
    sizes = network.sizes(dataset.num_inputs, dataset.num_outputs)
    kernels, biases = draw(network.sampler, sizes, num_replicates, seed)
    width = network.width
    depth = network.depth
    # all of one shape, as hidden layers have one width: so the SVD takes them in one call
    jacobians = np.empty((depth - 1, num_replicates, width, width))
    # one example for each network; where there are fewer examples, `resize` repeats them
    a = np.resize(x, (num_replicates, 1, dataset.num_inputs))
    for number, (kernel, bias) in enumerate(zip(kernels[:depth], biases, strict=False)):
        z = a @ kernel + (0 if bias is None else bias)
        a = network.phi.function(z)
        if number < depth - 1:
            slope = network.phi.derivative(z)
            # W^T diag(slope): the slope, a row, scales the columns
            jacobians[number] = np.swapaxes(kernels[number + 1], -1, -2) * slope
    if across:
        product = np.broadcast_to(np.eye(width), jacobians.shape[1:])
        # a later layer's Jacobian stands on the left, as the chain rule has it
        for jacobian in jacobians:
            product = jacobian @ product
        jacobians = product
    return np.linalg.svd(jacobians, compute_uv=False)
