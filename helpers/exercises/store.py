"""What a learner chose and solved, kept in a small file: a convenience that must never cost more.

The file ``.progress.json`` maps a question to the option chosen, or to "solved". It stands beside
the notebooks, or in the learner's home where that folder, or the file in it, belongs to somebody
else (a course folder shared by a class). Whatever happens to it, the lesson goes on: what can't be
written is kept until the kernel ends, and `notice` says so in a sentence, once.

Several kernels may write at once. Each takes a lock, reads what the others left, adds its entry,
and lets a new file of a name of its own take the old one's place; interrupted at any point, this
leaves the old file whole.
"""

import contextlib
import json
import os
import stat
import tempfile
import time
from pathlib import Path

PROGRESS = Path(".progress.json")
AT_HOME = ".vanishing-gradients-progress.json"  # among other hidden files, so with its full name
LARGEST = 1_000_000  # bytes; a learner who answers everything needs some 10,000
PATIENCE = 5  # seconds that we wait for another kernel's lock; each holds it for milliseconds
UNSAVED = (
    "What you choose and solve can't be saved here, so it lasts until the kernel stops. "
    "Everything else works as ever."
)
PUT_ASIDE = "The file with your earlier choices couldn't be read; it was put aside as {}."

_unsaved: dict[str, str] = {}  # what no file took
_notices: list[str] = []
_was_told: set[str] = set()


def entries() -> dict[str, str]:
    """Return every entry: question -> the option chosen, or "solved"."""
    place = _place()
    saved = {}
    if place is not None:
        # a file in the way of the one sort or the other is no reason to stop
        with contextlib.suppress(OSError):
            saved, is_whole = _read(place)
            if not is_whole:
                with _lock(place):
                    saved = _read_and_mend(place)
    return {**saved, **_unsaved}


def keep(question: str, value: str) -> None:
    """Add an entry, or replace the question's last one."""
    place = _place()
    try:
        if place is None:
            raise PermissionError("no folder takes the file")
        # between reading and writing nobody else may write
        with _lock(place):
            _write(place, {**_read_and_mend(place), **_unsaved, question: value})
    except OSError:  # a full disk, a folder that has turned read-only
        _unsaved[question] = value
        _tell(UNSAVED)
    else:
        _unsaved.clear()  # the file has it all, once the disk takes it again


def forget() -> None:
    """Delete every entry, for a second class or a second try."""
    _unsaved.clear()
    place = _place()
    if place is not None:
        try:
            with _lock(place):
                place.unlink(missing_ok=True)
        except OSError:
            _tell("What was saved earlier can't be deleted here.")


def notice() -> str:
    """Return what the learner has to know about the file, or "": each sentence once a kernel."""
    # whoever speaks next, a prediction or an exercise, says it
    told = " ".join(_notices)
    _notices.clear()
    return told


def _tell(sentence):
    if sentence not in _was_told:
        _was_told.add(sentence)
        _notices.append(sentence)


def _place():
    """Return the file's path: beside the notebooks, else at home, else None."""
    candidates = [PROGRESS.absolute()]
    # no home at all: a service without an account
    with contextlib.suppress(RuntimeError):
        candidates.append(Path.home() / AT_HOME)
    return next((path for path in candidates if _is_ours(path)), None)


def _is_ours(path):
    """Say whether the path can hold our file: nothing yet in a folder of ours, or a file of ours.

    Another learner's file is theirs, even where one may read or write it. A link is followed by no
    write: a new file takes its place.
    """
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return False
    try:
        found = path.stat()
    except FileNotFoundError:
        return True
    except OSError:  # links in a circle, a disk that is gone
        return False
    # Windows has no such number, and no folders shared in that way
    is_foreign = hasattr(os, "getuid") and found.st_uid != os.getuid()
    return stat.S_ISREG(found.st_mode) and not is_foreign and os.access(path, os.R_OK | os.W_OK)


def _read(place):
    """Return the entries of a file, and whether it holds nothing else."""
    try:
        size = place.stat().st_size
        # utf-8-sig: some editors begin a file with a mark of its encoding
        text = "" if size > LARGEST else place.read_text(encoding="utf-8-sig")
        found = json.loads(text)
    except FileNotFoundError:
        return {}, True
    except (ValueError, RecursionError):  # half a file, another encoding, 100,000 brackets
        return {}, False
    if not isinstance(found, dict):
        return {}, False
    # the keys of a JSON object are texts always
    good = {key: value for key, value in found.items() if isinstance(value, str)}
    return good, len(good) == len(found)


def _read_and_mend(place):
    """Return the entries of a file; a broken one is put aside, and what was good in it kept.

    Only under the lock: otherwise two kernels might both see it broken, and the second put aside
    what the first has just written.
    """
    good, is_whole = _read(place)
    if not is_whole:
        _put_aside(place)
        _write(place, good)
    return good


def _put_aside(place):
    """Rename a broken file, to a name that no earlier one has: not lost, only out of the way."""
    number = 1
    aside = place.with_suffix(".broken")
    while os.path.lexists(aside):
        number += 1
        aside = place.with_suffix(f".broken-{number}")
    place.rename(aside)
    _tell(PUT_ASIDE.format(aside.name))


def _write(place, progress):
    """Let a new file, complete, take the old one's place."""
    # what a kernel left that was killed while it wrote: nobody else writes under the lock
    for half in place.parent.glob(f"{place.name}*.new"):
        half.unlink(missing_ok=True)
    # a name that nobody else has, in the same folder, since a file changes its name within a disk
    handle, name = tempfile.mkstemp(prefix=place.name, suffix=".new", dir=place.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            # in ASCII: half a surrogate pair has no other encoding
            json.dump(progress, file, indent=1)
        os.replace(name, place)
    except BaseException:  # an interrupt, too, must not litter the folder
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def _lock(place):
    """Keep other kernels from writing meanwhile; a killed one's lock ends with it."""
    # a file of its own: the progress file is replaced by each write, and its lock with it
    handle = os.open(place.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
    try:
        _wait_for(handle)
        yield
    finally:
        os.close(handle)  # gives the lock back


_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows lacks it


def _wait_for(handle):
    """Take the lock of an open file, or raise OSError (TimeoutError after some seconds)."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            _try_lock(handle)
            return
        except OSError as error:
            # both systems say by these two that somebody else has it
            if not isinstance(error, BlockingIOError | PermissionError):
                return  # a network disk without locks: better saved without than not at all
            if time.monotonic() > deadline:
                raise TimeoutError("another kernel holds the progress file") from error
        time.sleep(0.002)


def _try_lock(handle):
    # the system's own locks: one that is only a file would outlive a killed kernel
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
