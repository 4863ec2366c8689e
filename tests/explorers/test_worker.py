import subprocess
import sys
import threading
import time

import pytest

from helpers.explorers.worker import Worker

PAUSE = 0.05


class Bench:
    """A worker whose work lasts until it is let go, and what became of every request."""

    def __init__(self):
        self.begun, self.ended, self.results = [], [], []
        self.go, self.finished = threading.Event(), threading.Event()
        self.worker = Worker(self.work, self.done, pause=PAUSE)

    def work(self, request, progress, stop):
        self.begun.append(request)
        progress(0.5)
        while not (self.go.is_set() or stop()):
            time.sleep(0.001)
        progress(0.9)
        self.ended.append((request, stop()))
        if request == "bad":
            raise ArithmeticError("no")
        return f"{request} done"

    def done(self, request, result):
        self.results.append((request, result))
        self.finished.set()

    def ask(self, request):
        self.finished.clear()
        self.worker.ask(request, self.told)

    told = staticmethod(lambda share: None)

    def until(self, condition):
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.001)


def test_only_the_newest_request_begins_and_only_after_a_pause():
    bench = Bench()
    bench.go.set()
    start = time.monotonic()
    for request in range(20):
        bench.ask(request)
    assert bench.finished.wait(10)
    assert time.monotonic() - start >= PAUSE
    assert bench.begun == [19] and bench.results == [(19, "19 done")]


def test_a_newer_request_ends_the_older_one_which_is_not_reported():
    bench = Bench()
    bench.ask("old")
    bench.until(lambda: bench.begun == ["old"])
    bench.ask("new")
    bench.until(lambda: bench.begun == ["old", "new"])
    assert bench.ended == [("old", True)] and bench.results == []
    bench.go.set()
    assert bench.finished.wait(10)
    assert bench.results == [("new", "new done")]


def test_stop_ends_the_run_and_reports_what_it_has():
    bench = Bench()
    bench.ask("long")
    bench.until(lambda: bench.begun == ["long"])
    bench.worker.stop()
    assert bench.finished.wait(10)
    assert bench.ended == [("long", True)] and bench.results == [("long", "long done")]
    bench.ask("waiting")
    bench.worker.stop()  # before it began
    time.sleep(3 * PAUSE)
    assert bench.begun == ["long"]
    bench.go.set()
    bench.ask("after")
    assert bench.finished.wait(10) and bench.results[-1] == ("after", "after done")


def test_neither_a_stopped_nor_an_outdated_run_tells_its_progress():
    bench, shares = Bench(), []
    bench.told = shares.append
    bench.ask("stopped")
    bench.until(lambda: shares == [0.5])
    bench.worker.stop()
    bench.until(lambda: bench.ended)
    bench.ask("outdated")
    bench.until(lambda: shares == [0.5, 0.5])
    bench.ask("dropped while it waits")
    bench.worker.stop()
    bench.until(lambda: len(bench.ended) == 2)
    bench.go.set()
    bench.ask("last")
    assert bench.finished.wait(10)
    assert shares == [0.5, 0.5, 0.5, 0.9]
    assert bench.begun == ["stopped", "outdated", "last"]


def test_an_exception_is_handed_over_and_the_thread_lives_on():
    bench = Bench()
    bench.go.set()
    bench.ask("bad")
    assert bench.finished.wait(10)
    with pytest.raises(ArithmeticError, match="no"):
        raise bench.results[-1][1]
    bench.ask("good")
    assert bench.finished.wait(10) and bench.results[-1] == ("good", "good done")


END = """
import atexit, threading, time
threads = []
# asked for first, so called last: what is left when Python goes
atexit.register(lambda: print([thread.name for thread in threads if thread.is_alive()]))
from helpers.explorers import gradient_explorer
explorer = gradient_explorer()
explorer.set(depth=40, width=64)
while explorer._stop.disabled:
    time.sleep(0.01)
threads += [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
print(len(threads) > 0)
"""


def test_a_process_may_end_in_the_middle_of_a_training():
    """A thread that outlives Python aborts the process: "terminate called ..."."""
    process = subprocess.run([sys.executable, "-c", END], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.split("\n") == ["True", "[]", ""]
