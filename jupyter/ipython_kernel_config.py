"""What each kernel of this environment reads at its start: one fault of ipykernel mended."""

import asyncio

from ipykernel.ipkernel import IPythonKernel


class CourseKernel(IPythonKernel):
    """A kernel that loses no message which was waiting for it.

    ipykernel (6.30 on) listens to its control channel a moment before it makes the lock that each
    message there has to take: after a restart, JupyterLab's first one is often in time to fail,
    with a traceback in the terminal (ipython/ipykernel, issue 1567).
    """

    def start(self):
        """Make the lock, then listen."""
        self._control_lock = asyncio.Lock()
        super().start()


c.IPKernelApp.kernel_class = CourseKernel  # noqa: F821 - IPython hands the name c to this file
