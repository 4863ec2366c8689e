"""What another system than Linux has no means for is not collected there, rather than skipped."""

import sys

collect_ignore = []
if sys.platform != "linux":
    collect_ignore += ["test_fuzz.py"]  # reads /proc, and limits memory and time as POSIX does
if sys.platform == "win32":
    collect_ignore += ["test_tasks.py", "test_terminal.py"]  # scripts for sh, Ctrl-C as a signal
