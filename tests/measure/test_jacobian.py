"""Singular values of the Jacobian between hidden layers."""

import helpers  # isort: skip
import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers.data import circles
from helpers.measure import singular_values
from helpers.networks import dense_layers, make_mlp


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_singular_values_are_those_of_the_jacobian_that_keras_finds(activation):
    dataset, depth, width = circles(200), 4, 6
    found = singular_values(
        activation, "he_normal", dataset=dataset, depth=depth, width=width, num_replicates=3, seed=2
    )
    assert found.shape == (depth - 1, 3, width)
    x = dataset.x[np.random.default_rng(2).choice(200, 3, replace=False)]
    for replicate in range(3):
        model = make_mlp(
            activation, "he_normal", depth=depth, width=width, seed=2, replicate=replicate
        )
        dense = dense_layers(model)
        z = dense[0](x[replicate : replicate + 1])
        for number in range(depth - 1):
            with tf.GradientTape() as tape:
                tape.watch(z)
                above = dense[number + 1](keras.activations.get(activation)(z))
            jacobian = tape.jacobian(above, z)[0, :, 0]
            expected = np.linalg.svd(jacobian, compute_uv=False)
            np.testing.assert_allclose(found[number, replicate], expected, atol=1e-5)
            z = above


def test_orthogonal_linear_networks_have_singular_values_of_one():
    found = singular_values("linear", "orthogonal", dataset=circles(), depth=5, width=32)
    np.testing.assert_allclose(found, 1, atol=1e-5)
    glorot = singular_values(
        "linear", "glorot_uniform", dataset=circles(), depth=3, width=256, num_replicates=2
    )
    assert glorot.mean() == pytest.approx(8 / (3 * np.pi), abs=0.005)
    assert singular_values("tanh", "he_normal", dataset=circles(), depth=1).shape == (0, 10, 5)
