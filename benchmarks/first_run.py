"""Run in a process of its own: how long a learner waits for the first training, imports included.

With NUMBA_CACHE_DIR in an empty folder it compiles, too.
"""

import json
import sys
import time


def main():
    """Print seconds for the imports and for the training, and whether TensorFlow was loaded."""
    start = time.perf_counter()
    from helpers import data, training

    loaded = time.perf_counter()
    training.train("sigmoid", "standard_normal", dataset=data.circles())
    end = time.perf_counter()
    report = {
        "imports": loaded - start,
        "training": end - loaded,
        "tensorflow": "tensorflow" in sys.modules,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
