"""Laws of transformers as initialised, and numbers that were published; and of their training."""

import numpy as np
import pytest

from helpers import transformer
from helpers.transformer import Transformer

WIDE = {"width": 64, "hidden": 64}  # an MLP as wide as the stream, as in Xiong et al. 2020


def rms(values):
    return np.sqrt(np.mean(np.square(values), axis=0))


def test_attention_alone_makes_all_tokens_one_and_a_skip_prevents_it():
    """Dong, Cordonnier & Loukas 2021: doubly exponentially, so that six layers are enough."""
    alone = Transformer(depth=6, mlp=False, skip=False, placement="none")
    together = Transformer(depth=6, mlp=False, placement="none")
    assert (1 - transformer.profile(alone).correlation[:, -1] < 1e-12).all()
    assert (1 - transformer.profile(together).correlation[:, -1] > 0.1).all()


def test_differences_between_tokens_are_cubed_by_attention():
    """Dong et al.'s rate: ten times closer going in, a thousand times closer coming out."""
    stack = Transformer(depth=1, mlp=False, skip=False, placement="none")
    kernels = transformer.weights(stack, num_replicates=10)
    rng = np.random.default_rng(0)
    mean = rng.standard_normal((10, 1, 1, 32))
    apart = rng.standard_normal((10, 1, 16, 32))
    apart -= apart.mean(axis=2, keepdims=True)
    out = []
    for size in (0.1, 0.01):
        output = transformer.forward(stack, kernels, mean + size * apart).output
        out.append(transformer.rms(output - output.mean(axis=2, keepdims=True)))
    np.testing.assert_allclose(np.log10(out[0] / out[1]), 3, atol=0.1)


def test_the_stream_is_as_large_as_published():
    """Xiong et al. 2020, Lemma 2: 3/2 before a post-norm, linear growth under pre-norm."""
    post = Transformer(depth=12, placement="post", **WIDE)
    kernels = transformer.weights(post, num_replicates=20)
    x = np.random.default_rng(0).standard_normal((20, 1, 16, 64))
    tape = transformer.forward(post, kernels, x).tape
    # the divisor of the second norm of every block: the sum of the stream and the MLP
    sums = [np.mean(after[1] ** 2) for _, _, after in tape[1::2]]
    np.testing.assert_allclose(sums, 1.5, rtol=0.07)
    pre = transformer.profile(Transformer(depth=24, **WIDE), num_replicates=20)
    squares = np.mean(pre.stream_rms.values**2, axis=0)
    blocks = np.arange(1, 25)
    assert (squares > 1 + blocks / 2).all() and (squares < 1 + 3 * blocks / 2).all()


def test_the_last_kernel_s_gradient_is_as_published():
    """Xiong et al. 2020, Theorem 1: alike at every depth for post-norm, as 1/sqrt(L) for pre."""
    size = {}
    for placement in ("post", "pre"):
        for depth in (6, 24):
            stack = Transformer(depth=depth, placement=placement, hidden=32)
            table = transformer.profile(stack, num_replicates=10)
            size[placement, depth] = rms(table.mlp_gradient.values)[-1]
    assert size["post", 24] / size["post", 6] == pytest.approx(1, abs=0.15)
    assert size["pre", 6] / size["pre", 24] == pytest.approx(2, abs=0.3)


def test_delta_survives_either_placement_and_explodes_without_a_norm():
    firsts = {}
    for placement in ("pre", "post", "none"):
        table = transformer.profile(
            Transformer(depth=24, placement=placement, attention="uniform"), num_replicates=10
        )
        firsts[placement] = rms(table.delta_rms.values)[0] / rms(table.delta_rms.values)[-1]
    assert 0.1 < firsts["post"] < 1.5 and 2 < firsts["pre"] < 8 and firsts["none"] > 1e3


def test_post_norm_makes_tokens_alike_and_takes_the_late_queries_gradient():
    post = transformer.profile(Transformer(depth=24, placement="post"))
    pre = transformer.profile(Transformer(depth=24, placement="pre"))
    assert (post.correlation[:, -1] > 0.999).all() and (pre.correlation[:, -1] < 0.95).all()
    lost = [rms(table.attention_gradient.values) for table in (post, pre)]
    assert lost[0][-1] < 1e-4 * lost[0][0] and lost[1][-1] > 1e-2 * lost[1][0]


def test_small_branches_leave_everything_as_it_was():
    """At alpha 0 the stream is the input, and delta the loss's own direction."""
    table = transformer.profile(Transformer(depth=5, placement="none", alpha=0.0))
    for name in ("delta_rms", "stream_rms", "correlation"):
        values = table[name].values
        np.testing.assert_allclose(values, values[:, :1] * np.ones(5), rtol=1e-12)
    assert (table.mlp_gradient == 0).all()


def test_correlation_and_differences_by_hand():
    equal = np.ones((1, 1, 3, 4))
    assert transformer.correlation(equal) == pytest.approx(1)
    assert transformer.differences(equal) == pytest.approx(0)
    opposite = np.array([[[[1.0, 0.0], [-1.0, 0.0]]]])
    assert transformer.correlation(opposite) == pytest.approx(-1)
    assert transformer.differences(opposite) == pytest.approx(1)
    square = np.array([[[[1.0, 0.0], [1.0, 1.0]]]])
    assert transformer.correlation(square) == pytest.approx(np.sqrt(0.5))


def test_a_table_says_what_it_holds_and_can_be_kept(tmp_path):
    stack = Transformer(depth=3, attention="uniform")
    table = transformer.profile(stack, num_replicates=2)
    assert set(table.data_vars) == set(transformer.VARIABLES)
    assert all({"long_name", "units"} <= set(table[name].attrs) for name in table)
    assert np.isnan(table.attention_gradient).all() and not np.isnan(table.mlp_gradient).any()
    table.to_netcdf(tmp_path / "table.nc")
    assert table.attrs["depth"] == 3 and table.attrs["skip"] == 1


def test_training_starts_from_guessing_and_learns_the_task():
    stack = Transformer(depth=2, hidden=64)
    shares = []
    run = transformer.train_reversal(
        stack, lambda step: 0.01, steps=120, num_replicates=3, progress=shares.append
    )
    assert dict(run.sizes) == {"replicate": 3, "step": 120}
    assert (run.accuracy[:, :3] < 0.5).all() and (run.accuracy[:, -10:].mean("step") > 0.9).all()
    assert (run.loss[:, -1] < 0.5 * run.loss[:, 0]).all()
    assert shares[-1] == 1 and len(shares) == 120


def test_a_first_step_of_adam_is_the_rate_in_every_weight():
    """Whatever the gradient's size: so a warm-up is the size of the first steps, and no more."""
    stack = Transformer(depth=1)
    still = transformer.train_reversal(stack, lambda step: 0.0, steps=3, num_replicates=2)
    again = transformer.train_reversal(stack, lambda step: 0.0, steps=3, num_replicates=2)
    np.testing.assert_array_equal(still.loss, again.loss)
    moved = transformer.train_reversal(stack, lambda step: 0.01, steps=3, num_replicates=2)
    np.testing.assert_array_equal(still.loss[:, 0], moved.loss[:, 0])
    assert (still.loss[:, 2] != moved.loss[:, 2]).all()
