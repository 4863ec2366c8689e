"""One thread for matrix products, and the setting as it was afterwards."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from helpers.catalogue import ACTIVATIONS, Activation
from helpers.data import circles
from helpers.measure import profile


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
    assert all(count == {1} for count in seen) and len(seen) == 8 * 20 + 1
