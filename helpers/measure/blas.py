"""One thread for matrix products: on a busy machine more threads wait for one another."""

import functools
import threading
from contextlib import contextmanager

import scipy.linalg.blas  # noqa: F401  loads the library that the training engine calls, too
from threadpoolctl import ThreadpoolController


class _Limit:
    """The setting of the whole process, and how many want it."""

    lock = threading.Lock()
    holders = 0
    limiter = None


@functools.cache
def _libraries():
    return ThreadpoolController()  # looking for them takes milliseconds


@contextmanager
def one_blas_thread():
    """Within it, matrix products use one thread.

    The first to come makes the setting, the last to leave puts it back, and those in between wait
    for nobody: a long training in a thread of its own holds up no other.
    """
    with _Limit.lock:
        # a second limit would remember the first one as the setting to restore
        if _Limit.holders == 0:
            _Limit.limiter = _libraries().limit(limits=1, user_api="blas")
        _Limit.holders += 1
    try:
        yield
    finally:
        with _Limit.lock:
            _Limit.holders -= 1
            if _Limit.holders == 0:
                _Limit.limiter.restore_original_limits()
