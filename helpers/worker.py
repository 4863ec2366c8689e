"""One thread for long computations: the newest request wins, and nothing piles up."""

import threading
import time
from collections.abc import Callable


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
        self._work, self._done, self._pause = work, done, pause
        self._changed = threading.Condition()
        self._request, self._number, self._asked, self._thread = None, 0, 0.0, None

    def ask(self, request, progress: Callable) -> None:
        """Run `request` instead of whatever waits or runs."""
        with self._changed:
            self._number += 1
            self._request, self._asked = (request, progress), time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Ask the run to end early (what it has comes to `done`), and drop what waits."""
        with self._changed:
            self._request = None
            self._stopped = self._number

    _stopped = 0

    def _run(self):
        while True:
            with self._changed:
                while self._request is None:
                    self._changed.wait()
                while (rest := self._asked + self._pause - time.monotonic()) > 0:
                    self._changed.wait(rest)
                if self._request is None:
                    continue
                (request, progress), number = self._request, self._number
                self._request = None

            def outdated(number=number):
                return self._number != number or self._stopped == number

            def tell(share, progress=progress, outdated=outdated):
                with self._changed:  # no word of a run after `stop` or a newer request
                    if not outdated():
                        progress(share)

            try:
                result = self._work(request, tell, outdated)
            except Exception as error:
                result = error
            if self._number == number:
                self._done(request, result)
