"""The page's tables: measured as `measure.profile` does, and written as small whole numbers."""

import numpy as np
import pytest

from helpers import data, measure, theory
from helpers.catalogue import NORMALIZATIONS, Network
from helpers.measure.profiles import choose_batch
from page import tables
from page.measured import deltas, draw_kernels


@pytest.mark.parametrize("norm", [None, *NORMALIZATIONS])
@pytest.mark.parametrize("kind", [("tanh", "standard_normal"), ("relu", "he_uniform")])
def test_one_way_forward_serves_every_depth(kind, norm):
    """To the last bit: where a network is chaotic, a rounding error would grow to anything."""
    dataset = data.circles()
    x, y = choose_batch(dataset, tables.NUM_EXAMPLES, tables.SEED)
    depths = (1, 3, 20)
    network = Network(*kind, max(depths), 5, norm)
    with measure.one_blas_thread():
        drawn = draw_kernels(network, x, tables.NUM_NETWORKS, tables.SEED)
        found = deltas(network, depths, drawn, x, y)
    for depth in depths:
        alone = measure.profile(*kind, dataset=dataset, depth=depth, width=5, normalization=norm)
        np.testing.assert_array_equal(found[depth], alone["delta_norm"].values[:, :-1])


@pytest.mark.parametrize("depth", tables.DEPTHS)
def test_the_first_and_the_last_layer_are_kept_and_few_between(depth):
    kept = tables.marks(depth)
    assert kept[0] == 1 and kept[-1] == depth
    assert len(kept) <= tables.MOST_MARKS + 1
    assert kept == sorted(set(kept))


def cells_of(logs):
    """Quantise curves that all start at the given log10, and are 1 in the last layer."""
    curves = np.zeros((len(logs), 5, 2))
    curves[:, :, 0] = np.asarray(logs)[:, None]
    table = tables.quantise(curves, np.zeros(len(logs), int))
    middles = table.cells[:, 0, 0] + (table.fine[:, 0] + 0.5) / tables.FINE - 0.5
    return table, middles * table.steps / tables.UNITS


def test_a_cell_is_as_near_as_its_step_says():
    logs = np.random.default_rng(0).uniform(-40, 20, 2000)
    table, fine = cells_of(logs)
    steps = table.steps / tables.UNITS
    coarse = table.cells[:, 0, 0] * steps
    assert (np.abs(coarse - logs) <= steps / 2 + 1e-9).all()
    assert (np.abs(fine - logs) <= steps / (2 * tables.FINE) + 1e-9).all()
    # a curve that hardly leaves 1 is kept more finely than one over many decades
    assert steps[np.abs(logs) < 2].max() < steps[np.abs(logs) > 20].min()


def test_no_rounding_moves_a_ratio_over_a_limit_of_the_verdict():
    limits = np.log10([theory.VANISHING, theory.SHRINKING, theory.GROWING, theory.EXPLODING])
    near = np.concatenate([limits + sign * 1e-6 for sign in (-1, 1)])
    _, fine = cells_of(near)
    for log, read in zip(near, fine, strict=True):
        assert theory.verdict(10**log) == theory.verdict(10**read)


def test_what_the_tables_cannot_hold_is_refused():
    good = np.zeros((1, 5, 3))
    dead = np.zeros(1, int)
    for place, value in [((0, 0, 0), np.inf), ((0, 1, 1), np.nan), ((0, 2, 1), -np.inf)]:
        bad = good.copy()
        bad[place] = value
        with pytest.raises(ValueError, match="can't be packed"):
            tables.quantise(bad, dead)
    zeros = good.copy()
    zeros[0, 1, :2] = -np.inf
    assert tables.quantise(zeros, dead).zeros.tolist() == [[0, 2, 0, 0, 0]]
