"""The server of `make demo`: Voila, with one page, one token, and a kernel that ends with its page.

Started by tasks.py with the Python of .venv; further options go to Voila.
"""

import logging
import os
import sys
import tempfile
import threading
import webbrowser
from pathlib import Path

from tornado.ioloop import IOLoop
from traitlets.config import Config
from voila.app import Voila

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "notebooks" / "live_demo.ipynb"
# The kernel's memory goes back to the system when it is free; a sixth less at rest (glibc only).
MEMORY = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",  # bytes
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
# Seconds without work or page after which a kernel ends: its browser died, and said no farewell.
ORPHANED = 30
PING = 30_000  # ms from one ping of a page's connection to the next, in jupyter_server


def give_cookie(handler, **_):
    """Let the answer to a page's request carry the cookie that the page's farewell has to show.

    Voila's pages ask the server to end their kernel as they close, and never got the cookie without
    which the server refuses such a request. Asking the handler for its value sets it.
    """
    assert handler.xsrf_token


class Demo(Voila):
    """Voila for this one page."""

    @property
    def address(self):
        """Where the page is, with the token that opens it."""
        return f"{self.connection_url}?token={self.identity_provider.token}"

    def start(self):
        """Serve until Ctrl-C."""
        IOLoop.current().add_callback(self.announce)  # runs once the port listens
        super().start()

    def announce(self):
        """Say where the page is."""
        print(f"The page is at {self.address} (Ctrl-C stops it)", flush=True)

    def launch_browser(self):
        """Open the page by way of a file, which keeps the token out of the list of processes."""
        handle, path = tempfile.mkstemp(suffix=".html")  # nobody else may read it
        with open(handle, "w", encoding="utf-8") as file:
            file.write(f'<meta http-equiv="refresh" content="0;url={self.address}">')
        threading.Thread(target=webbrowser.open, args=[Path(path).as_uri()], daemon=True).start()


def configuration():
    """Return what differs from a plain Voila."""
    config = Config()
    config.Voila.log_level = logging.ERROR  # that a notebook isn't signed is no one's business
    config.Voila.auto_token = True
    # A foreign name that leads to this machine (DNS rebinding) opens nothing.
    # And a ping's patience is no longer than its interval, or Tornado complains at each start.
    config.Voila.tornado_settings = {"allow_remote_access": False, "ws_ping_timeout": PING}
    config.VoilaConfiguration.template = "course"
    config.VoilaConfiguration.theme = "light"
    config.VoilaConfiguration.prelaunch_hook = give_cookie
    config.VoilaConfiguration.file_denylist = [".*"]  # the page is all there is
    config.MappingKernelManager.cull_idle_timeout = ORPHANED
    config.MappingKernelManager.cull_interval = 5  # seconds from one look to the next
    return config


def main(options):
    """Serve the page."""
    paths = [str(ROOT / "jupyter"), os.environ.get("JUPYTER_PATH", "")]  # its template is there
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ.update(MEMORY)
    demo = Demo(config=configuration())
    demo.initialize([str(PAGE), *options])
    demo.start()


if __name__ == "__main__":
    main(sys.argv[1:])
