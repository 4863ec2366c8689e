"""The hall's predictions: a choice is counted without a name, where the teacher turned that on.

The hub says so by ``COURSE_HALL``, the address of its service (deploy/hall.py); without it nothing
here does anything. A choice goes there as the fingerprint of its question and the number of the
option. Whatever happens to the service, the learner notices nothing: a thread of its own waits for
it, and what fails is forgotten.
"""

import hashlib
import json
import os
import queue
import threading
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException

from helpers.exercises import store

PATIENCE = 3  # seconds that a request may take
# An entry of the progress file, so that the wish holds in every lesson. No question has this text.
COUNTED = "Count my choices in the hall"
# A hub's own address needs no proxy, and one that is set for the world outside would be in the way.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_requests: queue.SimpleQueue = queue.SimpleQueue()
_sender: list[threading.Thread] = []


def is_on() -> bool:
    """Say whether this kernel's hub counts predictions."""
    return bool(os.environ.get("COURSE_HALL") and os.environ.get("JUPYTERHUB_API_TOKEN"))


def is_counted() -> bool:
    """Say whether the learner lets choices be counted: yes, until it is switched off."""
    return store.entries().get(COUNTED) != "no"


def let_count(counted: bool) -> None:
    """Keep the learner's wish, in this and in every other lesson."""
    store.keep(COUNTED, "yes" if counted else "no")


def fingerprint(question: str, options: Sequence[str]) -> str:
    """Return what stands for a question on its way: 16 hexadecimal digits."""
    return hashlib.sha256("\n".join([question, *options]).encode()).hexdigest()[:16]


def tell(question: str, options: Sequence[str], chosen: str) -> None:
    """Count a choice; a later one takes its place."""
    body = json.dumps({"option": list(options).index(chosen)})
    _send(lambda: _ask("PUT", question, options, body))


def withdraw(question: str, options: Sequence[str]) -> None:
    """Take a choice back."""
    _send(lambda: _ask("DELETE", question, options))


def ask(question: str, options: Sequence[str], listen: Callable[[str], None]) -> None:
    """Give `listen` a sentence with the counts, once they are there; else nothing."""

    def request():
        counts = json.loads(_ask("GET", question, options))["counts"]
        # None: too few have answered to show any
        if counts is not None:
            parts = [f"{option}: {n}" for option, n in zip(options, counts, strict=True)]
            listen(f"The hall says: {'; '.join(parts)}.")

    _send(request)


def _send(request):
    # one thread, so that what was done first arrives first
    _requests.put(request)
    if not _sender:
        # daemon: a request that hangs keeps no kernel alive
        _sender.append(threading.Thread(target=_work, daemon=True))
        _sender[0].start()


def _work():
    while True:
        request = _requests.get()
        try:
            request()
        # no service, one that is busy, one that says no, another program in its place
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            continue


def _ask(method, question, options, body=None):
    address = f"{os.environ['COURSE_HALL']}choices/{fingerprint(question, options)}"
    head = {"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"}
    data = None if body is None else body.encode()
    request = urllib.request.Request(address, data, head, method=method)
    with _opener.open(request, timeout=PATIENCE) as reply:
        return reply.read()
