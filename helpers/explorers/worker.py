"""One thread for long computations: the newest request wins, and nothing piles up.

The thread ends when there is nothing to do, so an explorer at rest has none.
"""

import atexit
import threading
import time
import weakref
from collections.abc import Callable

FAREWELL = 5.0  # seconds that a process waits at its end for what a thread still computes
_workers = weakref.WeakSet()


class Worker:
    """Runs one request at a time in its own thread, once no newer one came for a while.

    Parameters
    ----------
    work : callable
        ``work(request, progress, stop)``: computes, tells ``progress(share_done)``, and returns
        early once ``stop()`` is true; from then on no progress is passed on.
    done : callable
        ``done(request, result)``, called in the thread for the newest request only. An exception
        that `work` raised comes as the result.
    pause : float
        Seconds without another request before one begins.
    """

    def __init__(self, work: Callable, done: Callable, *, pause: float):
        self._work = work
        self._done = done
        self._pause = pause
        self._changed = threading.Condition()
        self._request = None
        self._number = 0  # of the newest request; an older one is outdated
        self._stopped = 0  # number of the newest request that was stopped
        self._asked = 0.0
        self._thread = None
        _workers.add(self)

    def ask(self, request, progress: Callable) -> None:
        """Run `request` instead of whatever waits or runs."""
        with self._changed:
            self._number += 1
            self._request = (request, progress)
            self._asked = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Ask the run to end early (what it has comes to `done`), and drop what waits."""
        with self._changed:
            self._request = None
            self._stopped = self._number
            self._changed.notify()

    def drop(self) -> None:
        """End the run as `stop` does, but what it has comes to nobody."""
        with self._changed:
            self._number += 1
            self._request = None
            self._changed.notify()

    def end(self) -> None:
        """Drop what runs, and wait until its thread is over."""
        thread = self._thread
        self.drop()
        if thread is not None:
            thread.join(FAREWELL)

    def _run(self):
        while (job := self._next()) is not None:
            number, request, progress = job
            result = self._result(number, request, progress)
            if self._number == number:
                self._done(request, result)

    def _next(self):
        """Wait for the pause to pass, and take the request; None if it was dropped."""
        with self._changed:
            while self._request is not None:
                rest = self._asked + self._pause - time.monotonic()
                if rest <= 0:
                    request, progress = self._request
                    self._request = None
                    return self._number, request, progress
                self._changed.wait(rest)
            self._thread = None  # under the lock: the next `ask` starts another
            return None

    def _result(self, number, request, progress):
        def outdated():
            return self._number != number or self._stopped == number

        def tell(share):
            with self._changed:  # no word of a run after `stop` or a newer request
                if not outdated():
                    progress(share)

        try:
            return self._work(request, tell, outdated)
        except Exception as error:  # whoever asked gets it: the thread has to live on
            return error


@atexit.register
def end_all() -> None:
    """End every worker's thread before Python goes.

    A thread that comes back from compiled code to an interpreter that is gone aborts the process.
    """
    for worker in list(_workers):
        worker.end()
