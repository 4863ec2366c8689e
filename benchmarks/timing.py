"""Fair timing: sides in alternation, ratios round by round, and code in a process of its own."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

SHORT = 0.2  # seconds: what is faster is run REPEATS times in each round, and the median counts
REPEATS = 5


def seconds_of(function: Callable) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def alternate(runs: dict[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Time functions in turn, each once a round: name -> seconds of every round.

    Alternation gives all of them the same weather on a machine that others use. A first call of
    each isn't counted: it warms up, and tells whether the function is short.
    """
    repeats = {name: REPEATS if seconds_of(run) < SHORT else 1 for name, run in runs.items()}
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            tries = [seconds_of(run) for _ in range(repeats[name])]
            seconds[name].append(statistics.median(tries))
    return seconds


def ratio(above: list[float], below: list[float]) -> float:
    """Median over the rounds of one's seconds over the other's."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def in_a_new_process(module: str, **environment: str) -> dict:
    """Run a module in a fresh process and return what it printed last, read as JSON.

    Raises
    ------
    RuntimeError
        If it fails, with what it wrote.
    """
    done = subprocess.run(
        [sys.executable, "-m", module],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    if done.returncode:
        raise RuntimeError(f"{module} ended with status {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
