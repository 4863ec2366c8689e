"""One thread for matrix products, and the setting as it was afterwards."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from helpers.catalogue import ACTIVATIONS, Activation
from helpers.data import circles
from helpers.measure import one_blas_thread, profile


def test_blas_threads_are_as_before():
    def threads():
        return [library["num_threads"] for library in threadpool_info()]

    seen = []

    def watched(z):
        seen.append(
            {
                library["num_threads"]
                for library in threadpool_info()
                if library["user_api"] == "blas"
            }
        )
        if z.shape[-1] == 3:
            raise KeyError("an activation that fails")
        return z

    entry = Activation(watched, "linear", np.ones_like)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ACTIVATIONS, "watched", entry)
        points = circles(50)  # scikit-learn brings a library of its own, so first of all
        before = threads()
        seen.clear()
        with ThreadPoolExecutor(4) as pool:
            arguments = {"dataset": points, "depth": 20}
            runs = [pool.submit(profile, "watched", "he_normal", **arguments) for _ in range(8)]
        assert all(run.result().sizes["layer"] == 21 for run in runs)
        with pytest.raises(KeyError):
            profile("watched", "he_normal", dataset=points, width=3)
        assert threads() == before
    assert [count for count in seen if count != {1}] == [] and len(seen) == 8 * 20 + 1


def test_whoever_leaves_last_puts_the_threads_back():
    """A training in a thread of its own may begin before a measurement, and end within it."""

    def threads():
        return {
            library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
        }

    before = threads()
    begun, go_on = threading.Event(), threading.Event()
    met = []

    def other():
        with one_blas_thread():
            met.append(threads())
            begun.set()
            go_on.wait(10)

    with one_blas_thread():  # this thread was here first, once
        pass
    for _ in range(2):
        thread = threading.Thread(target=other)
        thread.start()
        begun.wait(10)
        with one_blas_thread():
            met.append(threads())
            go_on.set()
            thread.join()
            met.append(threads())
        assert threads() == before
        begun.clear()
        go_on.clear()
    assert met == [{1}] * 6
