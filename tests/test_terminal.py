"""The terminal of `make lab` shows what its user needs, and nothing else: tried for real."""

import json
import os
import socket
import subprocess
import sys

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

import tasks


def test_jupyterlab_prints_the_address_and_nothing_else(tmp_path):
    """Even where the port that was asked for is taken."""
    folders = {
        "HOME": "home",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    env = dict(os.environ) | {name: str(tmp_path / folder) for name, folder in folders.items()}
    (tmp_path / "root").mkdir()
    options = ["--no-browser", f"--ServerApp.root_dir={tmp_path / 'root'}"]
    command = [sys.executable, tasks.__file__, "serve", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    command += [f"--port={port}"]
    with taken, subprocess.Popen(command, env=env, text=True, **pipes) as server:
        first = server.stdout.readline()
        server.terminate()
        rest = server.communicate(timeout=30)[0]
    assert first.startswith("The course is at http://127.0.0.1:")
    assert f":{port}/" not in first
    assert "received signal 15" in rest
    assert rest.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "proxy", "sentence"),
    [
        ("--ip=0.0.0.0", "", "The course is served to this machine only"),
        ("--no-browser", ":", "correct or delete the variables http_proxy and https_proxy"),
    ],
    ids=["address", "proxy"],
)
def test_what_jupyterlab_cannot_do_is_said_in_one_sentence(option, proxy, sentence):
    command = [sys.executable, tasks.__file__, "serve", option]
    env = {**os.environ, "http_proxy": proxy}
    run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)
    assert run.returncode == 1
    assert sentence in run.stderr
    assert (run.stdout, run.stderr.count("\n")) == ("", 1)


# ipykernel with a pause between the moment when it listens and the one when it can answer.
SLOW_KERNEL = """
import time

from ipykernel import kernelapp
from zmq.eventloop.zmqstream import ZMQStream

listen = ZMQStream.on_recv


def listen_and_wait(*args, **options):
    listen(*args, **options)
    time.sleep(0.3)


ZMQStream.on_recv = listen_and_wait
kernelapp.launch_new_instance()
"""


def test_a_kernel_answers_what_was_asked_before_it_listened(tmp_path):
    """JupyterLab asks at once after a restart: the terminal showed a traceback then."""
    (tmp_path / "slow_kernel.py").write_text(SLOW_KERNEL)
    command = [sys.executable, str(tmp_path / "slow_kernel.py"), "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "slow", "language": "python"}
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow/kernel.json").write_text(json.dumps(spec))
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path)])
    manager = KernelManager(kernel_name="slow", kernel_spec_manager=specs)
    with (tmp_path / "terminal").open("w") as terminal:
        env = {**os.environ, "IPYTHONDIR": str(tmp_path)}
        manager.start_kernel(env=env, stdout=terminal, stderr=terminal)
        client = manager.client()
        client.start_channels()
        try:
            client.control_channel.send(client.session.msg("kernel_info_request"))
            answer = client.get_control_msg(timeout=30)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    assert answer["msg_type"] == "kernel_info_reply"
    assert (tmp_path / "terminal").read_text() == ""
