"""The page's tables: what is measured and predicted, as small whole numbers, packed.

A curve holds log10 of sizes relative to the RMS in the last hidden layer. Each is written as the
number of a cell: cell k of step s has k s in its middle, which is what the page draws. The first
layer's, which the sentence names, is kept to a tenth of a cell; every limit of the verdict is a
border between such tenths, so that they say the same word as the number itself.

From cells to bytes: each cell is predicted from the deeper networks of the same kind, which have
the same weights, and only the error is kept, first all low bytes, then all high ones; gzip does the
rest. `tables.js` undoes it step by step; the tests compare what it finds with ``measure.profile``.
"""

import itertools
import multiprocessing
import zlib
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np

from helpers import data, measure, theory
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, NORMALIZATIONS, Network
from helpers.measure.profiles import choose_batch
from page.measured import deltas, draw_kernels

WIDTHS = (5, 16, 64)
DEPTHS = (1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 50)
NORMS = (None, *NORMALIZATIONS)
NUM_NETWORKS = 10
NUM_EXAMPLES = 128
SEED = 0
MOST_MARKS = 13  # of a curve: in a deeper network every second to fourth layer is kept
UNITS = 100  # a decade has so many units; cells are some units wide
# How many decades a curve may be away from 1, and its cells. Half of each divides a decade, so that
# powers of ten are borders of tenths.
STEPS = ((2.5, 2), (6, 5), (15, 10), (np.inf, 20))
FINE = 10  # parts of a cell: the first layer, which the sentence names, is kept so much finer
# How many times as wide the cells of a curve are: the edges of a band need not be as exact.
CURVES = {"rms": 1, "low": 2, "median": 1, "high": 2, "theory": 1}
FACTORS = np.array([*CURVES.values()])
BAND = (0.1, 0.5, 0.9)


def marks(depth: int) -> list[int]:
    """List the hidden layers that are kept, from 1: the first, the last, and some between."""
    step = -(-depth // MOST_MARKS)
    # counted from the last one, next to which a curve bends most
    return sorted({1, *range(depth, 0, -step)})


# ---------------------------------------------------------------- measured


def settings():
    """List every (activation, initializer, normalisation), in the order of the tables."""
    return list(itertools.product(ACTIVATIONS, INITIALIZERS, NORMS))


def curves_of(delta, expected):
    """Return the curves in log10, shape (5, marks), and how many networks are dead.

    An exact 0 is -inf, and so is what theory does not predict.
    """
    relative = measure.over_last(delta)
    kept = np.array(marks(delta.shape[1])) - 1
    rms = np.sqrt(np.mean(relative**2, axis=0))
    if expected is None:
        expected = np.zeros(len(rms))
    sizes = np.stack([rms, *np.quantile(relative, BAND, axis=0), expected])[:, kept]
    with np.errstate(divide="ignore"):
        return np.log10(sizes), int((delta[:, 0] == 0).sum())


def measure_kind(width: int, initializer: str) -> dict:
    """Measure and predict all networks of one width and initializer.

    Returns (activation, normalisation, depth) -> what `curves_of` gives.
    """
    dataset = data.circles()
    x, y = choose_batch(dataset, NUM_EXAMPLES, SEED)
    found = {}
    with measure.one_blas_thread():
        kind = Network("linear", initializer, max(DEPTHS), width)
        drawn = draw_kernels(kind, x, NUM_NETWORKS, SEED)
        for activation, norm in itertools.product(ACTIVATIONS, NORMS):
            network = Network(activation, initializer, max(DEPTHS), width, norm)
            by_depth = deltas(network, DEPTHS, drawn, x, y)
            for depth, delta in by_depth.items():
                expected = None if norm else predicted(activation, initializer, depth, width)
                found[activation, norm, depth] = curves_of(delta, expected)
    return found


def predicted(activation, initializer, depth, width):
    """Return theory's RMS delta by hidden layer, relative to the last one."""
    dataset = data.circles()
    return theory.profile(
        activation,
        initializer,
        depth=depth,
        width=width,
        num_inputs=dataset.num_inputs,
        input_second_moment=np.mean(dataset.x**2, axis=1),
    )


def measure_all() -> dict:
    """Measure on all processors: (width, initializer) -> what `measure_kind` gives."""
    # the widest first: they take longest, and none should be left at the end
    kinds = list(itertools.product(reversed(WIDTHS), INITIALIZERS))
    # spawned: a fork of a process with threads, as a test's may be, can hang
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        return dict(zip(kinds, pool.map(measure_kind, *zip(*kinds, strict=True)), strict=True))


def tables_of(found: dict) -> dict:
    """Arrange what `measure_all` found: (width, depth) -> a `Table`."""
    tables = {}
    for width, depth in itertools.product(WIDTHS, DEPTHS):
        rows = [found[width, rule][phi, norm, depth] for phi, rule, norm in settings()]
        logs = np.stack([curves for curves, _ in rows])
        tables[width, depth] = quantise(logs, np.array([dead for _, dead in rows]))
    return tables


# ---------------------------------------------------------------- cells


class Table(NamedTuple):
    """One width and depth, a row for each setting.

    `steps` (settings,) are cells' widths in units; `cells` (settings, 5, marks) whole numbers;
    `zeros` (settings, 5) how many marks are exactly 0, from the first on; `fine` (settings, 2) the
    tenth of the first mark's cell, of RMS and theory; `dead` (settings,) the number of networks.
    """

    steps: np.ndarray
    cells: np.ndarray
    zeros: np.ndarray
    fine: np.ndarray
    dead: np.ndarray


def quantise(logs: np.ndarray, dead: np.ndarray) -> Table:
    """Write curves of log10, shape (settings, 5, marks), as cells.

    Raises
    ------
    ValueError
        For a size that overflowed, or a 0 nearer to the output than a size that is not 0: the
        tables have no way to write either.
    """
    zero = np.isneginf(logs)
    # what no gradient reaches passes none on, so zeros stand at the input side
    if np.isnan(logs).any() or np.isposinf(logs).any() or (zero[..., 1:] > zero[..., :-1]).any():
        raise ValueError("A size overflowed, or a gradient came back from 0: it can't be packed.")
    # rounded: 1 is log 0, not sometimes a little less
    finite = np.where(zero, 0, logs).round(9)
    reach = np.abs(finite).max(axis=(1, 2))
    limits = [limit for limit, _ in STEPS]
    steps = np.array([step for _, step in STEPS])[np.searchsorted(limits, reach)]
    exact = finite * UNITS / widths_of(steps)[..., None]
    cells = np.floor(exact + 0.5).astype(int)
    within = (exact - cells + 0.5)[:, [0, -1], 0]
    fine = np.floor(within * FINE).astype(int)
    return Table(steps, cells, zero.sum(axis=2), fine, dead)


def widths_of(steps) -> np.ndarray:
    """Return the width of the cells of every curve in units: shape (settings, 5)."""
    return steps[:, None] * FACTORS


# ---------------------------------------------------------------- bytes


def pack(tables: dict) -> bytes:
    """Pack the tables: deepest first, as they predict the others."""
    planes = []
    for width in WIDTHS:
        deeper = None
        for depth in reversed(DEPTHS):
            table = tables[width, depth]
            planes += [table.steps, table.dead, *table.zeros.T, *table.fine.T]
            deeper = _errors(table, marks(depth), deeper, planes)
    numbers = np.concatenate(planes)
    # zigzag: 0, -1, 1, -2, ... become 0, 1, 2, 3, ..., so that small ones have a high byte of 0
    numbers = np.where(numbers < 0, -2 * numbers - 1, 2 * numbers).astype("<u2")
    low = (numbers & 255).astype(np.uint8)
    high = (numbers >> 8).astype(np.uint8)
    # FILTERED: small numbers at random, as errors are, hardly ever come again in the same order, so
    # zlib should look for good codes and not for repetitions: 7 % less. 31: in gzip's wrapping
    zipped = zlib.compressobj(9, zlib.DEFLATED, 31, 9, zlib.Z_FILTERED)
    return zipped.compress(low.tobytes() + high.tobytes()) + zipped.flush()


def _errors(table, layers, deeper, planes):
    """Append what the prediction misses, mark by mark; return what the next depth needs.

    Everything is in units, and whole: the page has to find the very same numbers.
    """
    step = widths_of(table.steps)
    values = np.zeros(table.cells.shape, int)
    for mark in reversed(range(len(layers))):
        guess = _guess(values, layers, mark, deeper)
        cells = (2 * guess + step) // (2 * step)
        # an exact 0 has no cell: it goes on with the guess, and its error is 0
        is_zero = mark < table.zeros
        wanted = np.where(is_zero, cells, table.cells[..., mark])
        planes.extend((wanted - cells).T)
        values[..., mark] = wanted * step
    return layers, values


def _guess(values, layers, mark, deeper):
    """Guess a mark of every curve, shape (settings, 5), from the next mark and a deeper network."""
    if mark == len(layers) - 1:
        return values[..., mark] if deeper is None else deeper[1][..., -1]
    before = values[..., mark + 1]
    if deeper is None:
        if mark == len(layers) - 2:
            return before
        # the curve goes on as steeply as it did
        gap = layers[mark + 2] - layers[mark + 1]
        rise = before - values[..., mark + 2]
        return before + rise * (layers[mark + 1] - layers[mark]) // gap
    return before + _at(deeper, layers[mark]) - _at(deeper, layers[mark + 1])


def _at(deeper, layer):
    """Read a deeper network's curves at a layer, between two marks along the straight line."""
    layers, values = deeper
    after = next(number for number, mark in enumerate(layers) if mark >= layer)
    if layers[after] == layer:
        return values[..., after]
    left = layers[after - 1]
    rise = values[..., after] - values[..., after - 1]
    return values[..., after - 1] + rise * (layer - left) // (layers[after] - left)
