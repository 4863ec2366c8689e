"""Every activation's own loop: phi(z) and phi'(z) of many numbers, compiled by numba.

The engine is given such a loop as a pointer, so each is compiled when it is first needed, and an
activation of a learner's own is one pointer more. All of them take (z, a, slope, work): flat arrays
of one length, and three rows to work in.

Numba keeps compiled functions on disk and notices changes of the file that a function stands in,
not of those it calls into. So what these loops call stands here, too.
"""

import functools
import math

import numpy as np

# Published constants; changing one would need a change of this file, too (see above).
from helpers.catalogue import SELU_ALPHA, SELU_LAMBDA
from helpers.checks import Named
from helpers.training.compiling import EXACT, FAST, as_pointer, compiled, loop_signature

fast = compiled(FAST)
exact = compiled(EXACT)

LOWEST = -87.33  # below it e^x is no normal float32 any more
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4  # n times the first is exact in float32
# (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2, fitted at Chebyshev nodes: relative error 6e-10
EXPM1 = (
    0.5000000014291098,
    0.16666666722230047,
    0.04166645677787905,
    0.00833329706383074,
    0.0013934544522938952,
    0.0001990044381541824,
)
# ln(erfc(y) / t) + y^2 for t = 1 / (1 + y / 2), fitted at Chebyshev nodes: error 8e-8
ERFC = (
    -1.2655127640328399,
    1.000050303327425,
    0.37366370645039987,
    0.10003859201288885,
    -0.1999312853355887,
    0.31280495513797696,
    -1.1865369700934218,
    1.534843591772087,
    -0.8450797736294285,
    0.17565972034486238,
)


@exact
def exponentials(x, e, m):
    """Write e^x into `e` and e^x - 1 into `m`, for numbers x <= 0; NaN stays NaN.

    In float32 by e^x = 2^n e^r, |r| <= ln(2) / 2, in arithmetic that the processor does for many
    numbers at once; libm's exp, which numba calls one by one, takes four times as long.
    """
    f = x.dtype.type
    if x.itemsize == 8:
        for i in range(x.size):
            e[i] = math.exp(x[i])
            m[i] = math.expm1(x[i])
        return
    for i in range(x.size):
        y = x[i] if x[i] > f(LOWEST) else f(LOWEST)
        n = f(math.floor(y * f(LOG2_E) + f(0.5)))
        r = (y - n * f(LN2_HIGH)) - n * f(LN2_LOW)
        p = f(EXPM1[5])
        p = p * r + f(EXPM1[4])
        p = p * r + f(EXPM1[3])
        p = p * r + f(EXPM1[2])
        p = p * r + f(EXPM1[1])
        p = p * r + f(EXPM1[0])
        p = p * r * r + r  # e^r - 1
        # 2^n is a float32 whose exponent bits are n + 127
        power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
        large = power * p + power
        small = power * p + (power - f(1))
        if x[i] < f(LOWEST):
            large = f(0)
            small = f(-1)
        e[i] = large if x[i] == x[i] else x[i]
        m[i] = small if x[i] == x[i] else x[i]


@fast
def log1p_small(e, result):
    """Write ln(1 + e) for 0 <= e <= 1, in float32 as 2 artanh(s) with s = e / (2 + e) <= 1/3."""
    f = e.dtype.type
    if e.itemsize == 8:
        for i in range(e.size):
            result[i] = math.log1p(e[i])
        return
    for i in range(e.size):
        s = e[i] / (f(2) + e[i])
        q = s * s
        p = f(1 / 13)
        p = p * q + f(1 / 11)
        p = p * q + f(1 / 9)
        p = p * q + f(1 / 7)
        p = p * q + f(1 / 5)
        p = p * q + f(1 / 3)
        result[i] = f(2) * s * (p * q + f(1))


def sigmoid(z, a, slope, work):
    """1 / (1 + e^-z); its slope e / (1 + e)^2 keeps all digits where a (1 - a) has lost them."""
    x = work[0, : z.size]
    e = work[1, : z.size]
    m = work[2, : z.size]
    f = z.dtype.type
    for i in range(z.size):
        x[i] = -abs(z[i])
    exponentials(x, e, m)
    for i in range(z.size):
        share = f(1) / (f(1) + e[i])
        a[i] = share if z[i] > 0 else e[i] * share
        slope[i] = e[i] * share * share


def tanh(z, a, slope, work):
    """(1 - e) / (1 + e) with e = e^-2|z|; its slope 4 e / (1 + e)^2, not 1 - a^2."""
    x = work[0, : z.size]
    e = work[1, : z.size]
    m = work[2, : z.size]
    f = z.dtype.type
    for i in range(z.size):
        x[i] = f(-2) * abs(z[i])
    exponentials(x, e, m)
    for i in range(z.size):
        size = -m[i] / (f(2) + m[i])  # 1 - e is -m, without a difference of near numbers
        share = f(1) / (f(1) + e[i])
        a[i] = size if z[i] > 0 else -size
        slope[i] = f(4) * e[i] * share * share


def softsign(z, a, slope, work):
    """Z / (1 + |z|)."""
    f = z.dtype.type
    for i in range(z.size):
        share = f(1) / (f(1) + abs(z[i]))
        a[i] = z[i] * share
        slope[i] = share * share


@fast
def exponential_linear(z, a, slope, work, scale, below):
    """Scale z above 0, scale below (e^z - 1) under it."""
    x = work[0, : z.size]
    e = work[1, : z.size]
    m = work[2, : z.size]
    f = z.dtype.type
    for i in range(z.size):
        x[i] = z[i] if z[i] <= 0 else -z[i]  # the right half is thrown away
    exponentials(x, e, m)
    for i in range(z.size):
        a[i] = f(scale) * (z[i] if z[i] > 0 else f(below) * m[i])
        slope[i] = f(scale) * (f(1) if z[i] > 0 else f(below) * e[i])


def elu(z, a, slope, work):
    """Clevert et al. 2015, with alpha = 1."""
    exponential_linear(z, a, slope, work, 1.0, 1.0)


def selu(z, a, slope, work):
    """Klambauer et al. 2017."""
    exponential_linear(z, a, slope, work, SELU_LAMBDA, SELU_ALPHA)


def gelu(z, a, slope, work):
    """Z Phi(z), with the normal distribution function Phi(z) = 1 - erfc(z / sqrt 2) / 2."""
    x = work[0, : z.size]
    e = work[1, : z.size]
    m = work[2, : z.size]
    f = z.dtype.type
    upper_tail(z, slope, x, e, m)
    for i in range(z.size):
        x[i] = f(-0.5) * z[i] * z[i]
    exponentials(x, e, m)
    for i in range(z.size):
        phi = f(1) - slope[i] if z[i] > 0 else slope[i]
        a[i] = z[i] * phi
        slope[i] = phi + z[i] * e[i] * f(0.3989422804014327)  # 1 / sqrt(2 pi)


@exact
def upper_tail(z, tail, x, e, m):
    """1 - Phi(|z|)."""
    f = z.dtype.type
    if z.itemsize == 8:
        for i in range(z.size):
            tail[i] = f(0.5) * math.erfc(abs(z[i]) * 0.7071067811865476)
        return
    for i in range(z.size):
        y = abs(z[i]) * f(0.7071067811865476)
        t = f(1) / (f(1) + f(0.5) * y)
        p = f(ERFC[9])
        p = p * t + f(ERFC[8])
        p = p * t + f(ERFC[7])
        p = p * t + f(ERFC[6])
        p = p * t + f(ERFC[5])
        p = p * t + f(ERFC[4])
        p = p * t + f(ERFC[3])
        p = p * t + f(ERFC[2])
        p = p * t + f(ERFC[1])
        p = p * t + f(ERFC[0])
        tail[i] = f(0.5) * t
        x[i] = min(p - y * y, f(0))
    exponentials(x, e, m)
    for i in range(z.size):
        tail[i] *= e[i]


def silu(z, a, slope, work):
    """Z sigmoid(z)."""
    x = work[0, : z.size]
    e = work[1, : z.size]
    m = work[2, : z.size]
    f = z.dtype.type
    for i in range(z.size):
        x[i] = -abs(z[i])
    exponentials(x, e, m)
    for i in range(z.size):
        share = f(1) / (f(1) + e[i])
        gate = share if z[i] > 0 else e[i] * share
        a[i] = z[i] * gate
        slope[i] = gate + z[i] * e[i] * share * share


def softplus(z, a, slope, work):
    """ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|); its slope is the sigmoid."""
    x = work[0, : z.size]
    e = work[1, : z.size]
    m = work[2, : z.size]
    f = z.dtype.type
    for i in range(z.size):
        x[i] = -abs(z[i])
    exponentials(x, e, m)
    log1p_small(e, m)
    for i in range(z.size):
        share = f(1) / (f(1) + e[i])
        a[i] = m[i] + (f(0) if z[i] <= 0 else z[i])
        slope[i] = share if z[i] > 0 else e[i] * share


def mish(z, a, slope, work):
    """Z tanh(ln(1 + e^z)), as a fraction n / (n + 2 d) of exponentials that never overflow."""
    x = work[0, : z.size]
    e = work[1, : z.size]
    m = work[2, : z.size]
    f = z.dtype.type
    for i in range(z.size):
        x[i] = -abs(z[i])
    exponentials(x, e, m)
    for i in range(z.size):
        right = z[i] > 0
        n = f(1) + f(2) * e[i] if right else e[i] * (e[i] + f(2))
        d = e[i] * e[i] if right else f(1)
        whole = f(1) / (n + f(2) * d)
        share = f(1) / (f(1) + e[i])
        gate = share if right else e[i] * share
        t = n * whole
        a[i] = z[i] * t
        # 1 - t^2 = 4 d (n + d) / (n + 2 d)^2
        slope[i] = t + z[i] * gate * f(4) * d * (n + d) * whole * whole


LOOPS = Named(
    "loop",
    {
        "sigmoid": sigmoid,
        "tanh": tanh,
        "softsign": softsign,
        "elu": elu,
        "selu": selu,
        "gelu": gelu,
        "silu": silu,
        "softplus": softplus,
        "mish": mish,
    },
)


# Compiled when it is first asked for, and then kept: a pointer must outlive whoever uses it.
@functools.cache
def pointer(name: str, dtype: str):
    """Compile the loop of that name for float32 or float64."""
    return as_pointer(LOOPS[name], loop_signature(dtype))
