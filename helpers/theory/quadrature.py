"""Nodes and weights for integrals of an activation that may have kinks, on any scale.

Everything here depends on the activation alone, not on the variance q, and is computed once for
each: an integral over another normal is another density on the same nodes.
"""

from functools import lru_cache

import numpy as np

# Gauss-Legendre with 12 nodes: exact for polynomials up to degree 23 on each panel
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)

JUMP = 1e-3  # of the largest slope: a change of phi' above it, over next to nothing, is a kink
DIFFERENCE = 1e-5  # the step of a central difference near 0, which blurs a kink as far as that


def gauss_legendre(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights, in order, of Gauss-Legendre quadrature between each edge and the next.

    Parameters
    ----------
    edges : array, shape (m,), increasing

    Returns
    -------
    two arrays, shape (12 (m - 1),)
    """
    # the nodes lie in (-1, 1): moved to each panel and scaled by half its width, as are the weights
    half = np.diff(edges)[:, None] / 2
    nodes = edges[:-1, None] + half * (1 + _NODES)
    return nodes.ravel(), (half * _WEIGHTS).ravel()


@lru_cache(maxsize=64)
def half_line_table(entry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes z > 0, their weights, and phi, phi^2, phi', phi'^2 there, summed over z and -z.

    Gauss-Legendre on panels that end at every kink, grow from 0 in steps of 2, so that the phi
    of any scale and the normal of any q are smooth in each, and are 1 wide up to 256, so that a
    sine is, too. phi is evaluated once; another q is another density on the same nodes.

    Returns
    -------
    three arrays, shape (n,), (n,) and (4, n)
    """
    # powers of 2 from 1e-157 to 1e147, so that the root of any q between 1e-290 and 1e290 is inside
    powers_of_2 = 2.0 ** np.arange(-520, 491)
    edges = np.unique(np.concatenate([[0], powers_of_2, np.arange(1, 257), np.abs(kinks(entry))]))
    z, weights = gauss_legendre(edges)
    with np.errstate(all="ignore"):  # far out a learner's z^3 overflows, and then it is infinite
        phi = np.stack([entry.function(z), entry.function(-z)])
        slope = _two_sided_slopes(entry, z)
        return z, weights, np.stack([phi, phi**2, slope, slope**2]).sum(axis=1)


def _two_sided_slopes(entry, z):
    """phi'(z) and phi'(-z), shape (2, n), also where a difference would blur a kink at 0."""
    slope = np.stack([entry.derivative(z), entry.derivative(-z)])
    # nearer to 0 than its step a central difference reaches across: take the slope just outside,
    # but only if the two disagree
    outside = 2 * DIFFERENCE
    beside = entry.derivative(np.array([outside, -outside]))
    for side in (0, 1):
        if abs(slope[side, 0] - beside[side]) > JUMP * entry.largest_slope:
            slope[side, z < outside] = beside[side]
    return slope


@lru_cache(maxsize=64)
def kinks(entry) -> np.ndarray:
    """Find where phi' jumps between -16 and 16: halve intervals round their larger change."""
    # a thousand intervals at once, 1/32 wide: of two kinks in one only one would be found
    left = np.arange(-512, 512) / 32
    right = left + 1 / 32
    left_slope = entry.derivative(left)
    right_slope = entry.derivative(right)
    for halving in range(40):
        middle = (left + right) / 2
        slope = entry.derivative(middle)
        # go on with the half over which phi' changes more
        below = np.abs(slope - left_slope) >= np.abs(right_slope - slope)
        left = np.where(below, left, middle)
        right = np.where(below, middle, right)
        left_slope = np.where(below, left_slope, slope)
        right_slope = np.where(below, slope, right_slope)
        if halving == 9:  # 3e-5 wide: a smooth phi' is level by now, and a mistake costs a panel
            jumps = np.abs(right_slope - left_slope) > JUMP * entry.largest_slope
            left = left[jumps]
            right = right[jumps]
            left_slope = left_slope[jumps]
            right_slope = right_slope[jumps]
    return right
