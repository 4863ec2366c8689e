"""One thread for matrix products: on a busy machine more threads wait for one another."""

import functools
import threading
from contextlib import contextmanager

import scipy.linalg.blas  # noqa: F401  loads the library that the training engine calls, too
from threadpoolctl import OpenBLASController, ThreadpoolController


class _Limit:
    """The setting of the whole process, and how many want it."""

    lock = threading.Lock()
    holders = 0
    limiter = None


@functools.cache
def _libraries():
    return ThreadpoolController()  # looking for them takes milliseconds


def _take_over():
    """Let this thread change the setting, whichever made it.

    From 3.8 on threadpoolctl heeds only the thread that limited OpenBLAS first; here that may be
    gone, or still at work, when another puts the setting back.
    """
    clear = getattr(OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


@contextmanager
def one_blas_thread():
    """Within it, matrix products use one thread.

    The first to come makes the setting, the last to leave puts it back, and those in between wait
    for nobody: a long training in a thread of its own holds up no other.
    """
    with _Limit.lock:
        # a second limit would remember the first one as the setting to restore
        if _Limit.holders == 0:
            _take_over()
            _Limit.limiter = _libraries().limit(limits=1, user_api="blas")
        _Limit.holders += 1
    try:
        yield
    finally:
        with _Limit.lock:
            _Limit.holders -= 1
            if _Limit.holders == 0:
                _take_over()
                _Limit.limiter.restore_original_limits()
