"""How the course compiles its loops with numba: kept on disk, quick, and right for NaN."""

from numba import cfunc, config, njit, types

# Sums may be taken in any order, which lets them fill the processor's registers. "nnan" and "ninf"
# are left out on purpose: networks that explode are part of the subject.
FAST = {"nsz", "arcp", "contract", "afn", "reassoc"}
# Where the order of additions matters, such as in taking n ln 2 off a number in two parts.
EXACT = {"contract"}
# Our loops make no arrays: whoever calls them holds all that there are. So numba need not count who
# uses an array each time that a part of one is passed on, which took 40 % of the time.
OPTIONS = {"error_model": "numpy", "_nrt": False}


def compiled(fastmath):
    """Compile a function when it is first called; nogil lets other threads run meanwhile."""

    def decorate(function):
        return _kept(njit, fastmath=fastmath, nogil=True, **OPTIONS)(function)

    return decorate


def loop_signature(dtype: str):
    """Describe (z, a, slope, work) -> None: three flat arrays, and one with two dimensions."""
    number = _number(dtype)
    flat = types.Array(number, 1, "C")
    return types.void(flat, flat, flat, types.Array(number, 2, "C"))


def product_signature(dtype: str):
    """Describe (left, right, product, rows, inner, columns, which) -> None, of flat arrays."""
    flat = types.Array(_number(dtype), 1, "C")
    return types.void(flat, flat, flat, *[types.int64] * 4)


def _number(dtype):
    return types.float64 if dtype == "float64" else types.float32


def as_pointer(function, signature, **options):
    """Compile a function at once to a pointer, which the engine is given as an argument.

    All pointers of one signature have one type, so one compiled engine serves them all.
    """
    if config.DISABLE_JIT:
        return function
    options = {"fastmath": FAST, **OPTIONS, **options}
    return _kept(cfunc, signature, **options)(function)


def _kept(how, *what, **options):
    """Add the cache on disk, where numba finds a folder that it may write to."""

    def decorate(function):
        try:
            return how(*what, cache=True, **options)(function)
        except RuntimeError:  # no such folder: compiled anew in every process
            return how(*what, **options)(function)

    return decorate
