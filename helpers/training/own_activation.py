"""A learner's own activation, compiled for the engine where numba can compile it."""

import functools
import types
import warnings

import numpy as np
from numba import cfunc, njit
from numba.core.errors import NumbaError, NumbaWarning

from helpers.catalogue import Activation
from helpers.catalogue.activations import PROBES, is_central_difference
from helpers.training.compiling import loop_signature

AGREEMENT = {"float32": 1e-5, "float64": 1e-9}  # with NumPy, relative to 1 + |value|


def compile_own(entry: Activation, dtype: str):
    """Compile phi and phi' of an entry into one loop, as those of the catalogue, or return None.

    None means that numba can't compile it, or computes something else than NumPy does: then Keras
    has to train it. Without a derivative of its own, phi' is a central difference in float64.
    """
    # numba takes a global as it is when it compiles; whoever changes it gets another fingerprint
    return _compiled(entry, dtype, entry.fingerprint)


@functools.lru_cache(64)
def _compiled(entry, dtype, _fingerprint):
    if not all(map(_is_plain, (entry.function, entry.derivative))):
        return None
    phi = njit(_as_function(entry.function))
    derivative = None
    if not is_central_difference(entry.derivative):
        derivative = njit(_as_function(entry.derivative))
    loop = _with_derivative(phi, derivative) if derivative else _with_difference(phi)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumbaWarning)  # about its speed
            own = cfunc(loop_signature(dtype), error_model="numpy")(loop)
    except NumbaError:
        return None
    return own if _agrees(own, entry, dtype) else None


def _is_plain(function):
    """Whether numba may know how to read it."""
    return isinstance(function, (types.FunctionType, np.ufunc))


def _as_function(function):
    if isinstance(function, np.ufunc):
        return lambda z: function(z)
    return function


def _with_derivative(phi, derivative):
    def loop(z, a, slope, work):
        a[:] = phi(z)
        slope[:] = derivative(z)

    return loop


def _with_difference(phi):
    def loop(z, a, slope, work):
        a[:] = phi(z)
        wide = z.astype(np.float64)
        step = 1e-5 * np.maximum(1.0, np.abs(wide))
        slope[:] = (phi(wide + step) - phi(wide - step)) / (2.0 * step)

    return loop


def _agrees(own, entry, dtype):
    z = PROBES.ravel().astype(dtype)
    a = np.empty_like(z)
    slope = np.empty_like(z)
    _call(own, z, a, slope, np.empty((3, z.size), dtype))
    for ours, function in ((a, entry.function), (slope, entry.derivative)):
        theirs = np.asarray(function(z.astype(np.float64)))
        if not np.allclose(ours, theirs, rtol=AGREEMENT[dtype], atol=AGREEMENT[dtype]):
            return False
    return True


@njit
def _call(own, z, a, slope, work):
    own(z, a, slope, work)
