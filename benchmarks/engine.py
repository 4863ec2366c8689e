"""Our training against the ways a learner would write it, in one run; started by run.py.

Source A's job: two circles, 4 hidden layers of 5 sigmoid units, N(0, 1) kernels, 100 epochs of 31
batches of 32, RMSprop. Everyone gets the same data, batches and initial weights and must give the
same losses and statistics (`race`, `sides`). Two recordings are told apart:

- "gradient mean, std": the loss, and mean and standard deviation of each kernel's gradient, at
  every step. (Keras's fit shows no gradients: its callback keeps the kernels after each epoch.)
- "everything": all that a recording of ours holds, at every step: besides these the norm of each
  gradient, mean and standard deviation of the kernels, update ratio, delta norm, mean and standard
  deviation of the activations, saturation, dead share; and the accuracy over all data by epoch.

They're timed in alternation, each once a round; a figure is the median of the rounds, and a ratio
the median of the rounds' ratios. The two slow ones do a tenth of the epochs, times 10. Then come
the first run in a process (`first_run`), memory (`memory`), and what depth, width and number of
networks cost (`costs`). The README's tables are printed, and its picture is written.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import timing

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "engine.png"
WARM_STARTS = 7


def first_runs() -> tuple[dict, dict]:
    """Time the first training of a process, with numba's cache empty, then warm (medians)."""
    with tempfile.TemporaryDirectory() as folder:
        cold, *warm = [
            timing.in_a_new_process("benchmarks.first_run", NUMBA_CACHE_DIR=folder)
            for _ in range(1 + WARM_STARTS)
        ]
    return cold, {name: statistics.median(run[name] for run in warm) for name in cold}


def main():
    """Measure everything, then print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="fewer only try the program out")
    rounds = parser.parse_args().rounds
    start = time.perf_counter()
    if hasattr(os, "getloadavg"):
        print(f"Load of the machine at the start: {os.getloadavg()[0]:.1f} (it should be near 0)")
    print("First runs in a process, and memory", flush=True)
    cold, warm = first_runs()
    memory = timing.in_a_new_process("benchmarks.memory")

    # Only now: until here, this process must not compete with those that it times.
    from benchmarks import costs, race, report

    print("Source A's job on every side", flush=True)
    seconds = race.run(rounds)
    print("Depth, width, networks", flush=True)
    swept = costs.sweep(min(rounds, 3))
    targets = [
        *report.ratios(seconds),
        *report.starts(cold, warm),
        report.growth(costs.depth_ratios(rounds), costs.per_layer(swept["hidden layers"])),
        report.wide(*costs.wide(rounds)),
        *report.memory(memory),
        report.profile(4, 20, costs.profile(4, rounds)),
        report.profile(50, 250, costs.profile(50, rounds)),
    ]
    costs.draw(swept, PICTURE)
    print(f"{time.perf_counter() - start:.0f} s in all; the README's picture and tables:\n")
    print(report.picture(swept), end="\n\n")
    print(report.race_table(seconds), end="\n\n")
    print(report.target_table(targets), end="\n\n")
    print(f"Measured by `make bench`: {report.conditions()}.")


if __name__ == "__main__":
    main()
