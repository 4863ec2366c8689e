"""How the course compiles its loops with numba: kept on disk, quick, and right for NaN."""

from typing import NamedTuple

from numba import cfunc, config, njit, types

# Sums may be taken in any order, which lets them fill the processor's registers. "nnan" and "ninf"
# are left out on purpose: networks that explode are part of the subject.
FAST = {"nsz", "arcp", "contract", "afn", "reassoc"}
# Where the order of additions matters, such as in taking n ln 2 off a number in two parts.
EXACT = {"contract"}
# Our loops make no arrays: whoever calls them holds all that there are. So numba need not count who
# uses an array each time that a part of one is passed on, which took 40 % of the time.
OPTIONS = {"error_model": "numpy", "_nrt": False}


class EngineStatus(NamedTuple):
    """Whether a function is compiled for this machine, and where that is kept."""

    compiled: bool
    folder: str | None  # None where no folder can be written to: then every process compiles anew


def status(function) -> EngineStatus:
    """Look at the cache on disk, without compiling or running anything."""
    # numba has no public way to ask; its index holds an entry for each compiled signature
    cache = getattr(function, "_cache", None)
    folder = getattr(cache, "cache_path", None)
    if folder is None:
        return EngineStatus(bool(getattr(function, "signatures", ())), None)
    return EngineStatus(bool(cache._cache_file._load_index()), folder)


def compiled(fastmath, *, called_from_python: bool = False, inlined: bool = False):
    """Compile a function when it is first called; nogil lets other threads run meanwhile.

    To be called from Python a function needs a wrapper, which takes long to compile where it has to
    take tuples of arrays apart. A call hands over every number that describes an array, some ten
    each: short functions that are called for every layer are better `inlined` where they are used.
    """
    no_wrapper = not called_from_python
    options = {"nogil": True, "no_cpython_wrapper": no_wrapper, "no_cfunc_wrapper": no_wrapper}
    if inlined:
        options["inline"] = "always"

    def decorate(function):
        return _kept(njit, fastmath=fastmath, **options, **OPTIONS)(function)

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
