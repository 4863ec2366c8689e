"""Two inputs through many networks, and a gradient back."""

import numpy as np
import pytest

from helpers.catalogue import Initializer
from helpers.measure import pair_profile


def test_a_pair_s_correlation_and_delta_are_what_their_words_say():
    """The gradient of the output with respect to z, by finite differences; z.z' by hand."""
    setting = {"depth": 3, "width": 6, "correlation": 0.4, "num_replicates": 2, "seed": 3}
    found = pair_profile("tanh", 1.3, 0.2, **setting).isel(replicate=1)
    rule = Initializer(lambda n_in, n_out: 1.3 / n_in, bias_variance=0.2)
    stream = {"seed": 3, "replicate": 1}
    other = np.sqrt(2) * np.cos(np.pi * (np.arange(6) + 0.5) / 6)
    x = np.stack([np.ones(6), 0.4 + np.sqrt(1 - 0.16) * other])
    assert (x**2).mean(axis=1) == pytest.approx([1, 1]) and x[0] @ x[1] / 6 == pytest.approx(0.4)

    def run(z_from, layer):
        """The pre-activations from `layer` on, and the output."""
        zs = [z_from]
        for number in range(layer + 1, 4):
            kernel = rule.sample(6, 6, **stream, layer=number).astype(float)
            zs.append(np.tanh(zs[-1]) @ kernel + rule.sample_bias(6, **stream, layer=number))
        return zs, np.tanh(zs[-1]) @ rule.sample(6, 1, **stream, layer=0).astype(float)

    first = x @ rule.sample(6, 6, **stream).astype(float) + rule.sample_bias(6, **stream)
    zs, _ = run(first, 1)
    for layer, z in enumerate(zs, start=1):
        name = f"hidden_{layer}"
        norms = np.linalg.norm(z, axis=1)
        assert found.correlation.sel(layer=name) == pytest.approx(z[0] @ z[1] / norms.prod())
        assert found.pre_activation_variance.sel(layer=name) == pytest.approx((z**2).mean())
        steps = 1e-5 * np.eye(6)
        slopes = [(run(z + s, layer)[1] - run(z - s, layer)[1]).ravel() / 2e-5 for s in steps]
        rms = np.sqrt(np.mean(np.sum(np.square(slopes), axis=0)))
        assert found.delta_norm.sel(layer=name) == pytest.approx(rms, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": 1}, "width must be a whole number, 2 or more; got 1"),
        ({"correlation": 2}, "A correlation must be from -1 to 1; got 2"),
        ({"input_second_moment": 0}, "input_second_moment must be a finite number above 0; got 0"),
    ],
)
def test_bad_pairs_are_named(change, said):
    with pytest.raises(ValueError, match=said):
        pair_profile("tanh", 1.0, depth=2, **change)
